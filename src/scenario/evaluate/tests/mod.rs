mod compiling;
mod kinds;
mod tape;
