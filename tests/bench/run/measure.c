/* tests/bench/run/measure.c -- measure OUT COMMAND...: runs it once and appends to OUT: wall time
 * and CPU time (user and system) from exec to exit in ms, largest memory in KiB. Its exit code is
 * COMMAND's. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double ms_of(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

int main(int argc, char **argv)
{
	struct timespec before, after;
	struct rusage usage;
	int status, e;
	pid_t pid;
	FILE *out;

	if (argc < 3) {
		fprintf(stderr, "usage: measure OUT COMMAND...\n");
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &before);
	e = posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ);
	if (e != 0) {
		fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(e));
		return 127;
	}
	while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	clock_gettime(CLOCK_MONOTONIC, &after);
	out = fopen(argv[1], "a");
	if (!out) {
		perror(argv[1]);
		return 1;
	}
	fprintf(out, "%.3f %.3f %ld\n",
		(double)(after.tv_sec - before.tv_sec) * 1e3 +
			(double)(after.tv_nsec - before.tv_nsec) / 1e6,
		ms_of(usage.ru_utime) + ms_of(usage.ru_stime), usage.ru_maxrss);
	if (fclose(out) != 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
