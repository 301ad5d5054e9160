/*
 * Holds the namespaces of a pod: waits for SIGTERM or SIGINT, and reaps the children that
 * containers with a shared process namespace leave to it.
 *
 * There is one of these for each pod, so it does without a C library: two pages of memory.
 * Signals are taken synchronously; a blocked signal reaches even process 1 of a namespace.
 */

#if defined(__x86_64__)
enum { NR_RT_SIGPROCMASK = 14, NR_WAIT4 = 61, NR_RT_SIGTIMEDWAIT = 128, NR_EXIT_GROUP = 231 };

static long call(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
enum { NR_EXIT_GROUP = 94, NR_RT_SIGPROCMASK = 135, NR_RT_SIGTIMEDWAIT = 137, NR_WAIT4 = 260 };

static long call(long number, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3)
			 : "memory");
	return x0;
}
#else
#error "pause knows the system calls of x86-64 and aarch64 only"
#endif

enum { SIG_BLOCK = 0, SIGINT = 2, SIGTERM = 15, SIGCHLD = 17, WNOHANG = 1 };

#define BIT(signal) (1UL << ((signal) - 1))

void _start(void)
{
	unsigned long signals = BIT(SIGINT) | BIT(SIGTERM) | BIT(SIGCHLD);

	call(NR_RT_SIGPROCMASK, SIG_BLOCK, (long)&signals, 0, sizeof signals);
	for (;;) {
		long signal = call(NR_RT_SIGTIMEDWAIT, (long)&signals, 0, 0, sizeof signals);

		if (signal == SIGCHLD)
			while (call(NR_WAIT4, -1, 0, WNOHANG, 0) > 0)
				;
		else if (signal == SIGINT || signal == SIGTERM)
			call(NR_EXIT_GROUP, 0, 0, 0, 0);
	}
}
