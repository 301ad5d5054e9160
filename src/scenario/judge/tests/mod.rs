mod compiling;
mod kinds;
mod properties;
mod reference;
mod tape;
