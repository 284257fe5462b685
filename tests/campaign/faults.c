/*
 * Loaded before libc (LD_PRELOAD): makes system calls of the program under test fail, as broken disks do.
 *
 *   FAULT_DIR      only files below this directory count
 *   FAULT_CALLS    letters: w write, s sync, r rename, o open, a allocate
 *   FAULT_AT       the number of the call that fails, from 1; 0 or nothing: none
 *   FAULT_FROM     a file: calls count only while it exists
 *   FAULT_STICKY   if set, all later ones fail as well
 *   FAULT_ERRNO    what they fail with (default EIO)
 *   FAULT_FIRED    a file that is made when one fails
 *   FAULT_KILL     if set, the process is killed there, before the call
 *   FAULT_BOOT_ID  a file that is read in the place of the machine's boot id
 *   FAULT_NO_SYNC  if set, no sync does anything: what a power cut then takes shows that the campaign would notice
 *   FAULT_CLOCK    a file with the seconds that the wall clock is ahead
 *   FAULT_STALL    a file: while it exists, syncs wait
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static atomic_long count;

static int below(const char *path) {
    const char *dir = getenv("FAULT_DIR");
    return dir && path && strncmp(path, dir, strlen(dir)) == 0;
}

static int of_descriptor(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

/* Whether this call is the one that fails; errno says with what. */
static int fails(char kind, int ours) {
    const char *calls = getenv("FAULT_CALLS"), *at = getenv("FAULT_AT");
    if (!ours || !calls || !at || !strchr(calls, kind)) return 0;
    const char *from = getenv("FAULT_FROM");
    if (from && access(from, F_OK) != 0) return 0;
    long wanted = atol(at), number = atomic_fetch_add(&count, 1) + 1;
    if (wanted < 1 || (getenv("FAULT_STICKY") ? number < wanted : number != wanted)) return 0;
    const char *fired = getenv("FAULT_FIRED"), *with = getenv("FAULT_ERRNO");
    if (fired) syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, fired, O_CREAT | O_WRONLY, 0600));
    if (getenv("FAULT_KILL")) kill(getpid(), SIGKILL);
    errno = with ? atoi(with) : EIO;
    return 1;
}

static int swallowed(int fd) {
    const char *stall = getenv("FAULT_STALL");
    while (stall && access(stall, F_OK) == 0) usleep(1000);
    return getenv("FAULT_NO_SYNC") && of_descriptor(fd);
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *bytes, size_t n) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return fails('w', of_descriptor(fd)) ? -1 : real(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    return fails('w', of_descriptor(fd)) ? -1 : real(fd, parts, n);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return fails('w', of_descriptor(fd)) ? -1 : real(fd, bytes, n, at);
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    if (fails('s', of_descriptor(fd))) return -1;
    return swallowed(fd) ? 0 : real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    if (fails('s', of_descriptor(fd))) return -1;
    return swallowed(fd) ? 0 : real(fd);
}

int sync_file_range(int fd, off64_t at, off64_t n, unsigned flags) {
    REAL(int, "sync_file_range", int, off64_t, off64_t, unsigned);
    if (fails('s', of_descriptor(fd))) return -1;
    return swallowed(fd) ? 0 : real(fd, at, n, flags);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    return fails('r', below(to)) ? -1 : real(from, to);
}

int fallocate64(int fd, int mode, off64_t at, off64_t n) {
    REAL(int, "fallocate64", int, int, off64_t, off64_t);
    return fails('a', of_descriptor(fd)) ? -1 : real(fd, mode, at, n);
}

int ftruncate64(int fd, off64_t n) {
    REAL(int, "ftruncate64", int, off64_t);
    return fails('a', of_descriptor(fd)) ? -1 : real(fd, n);
}

static int mode_of(int flags, va_list rest) {
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, int) : 0;
}

int open64(const char *path, int flags, ...) {
    REAL(int, "open64", const char *, int, ...);
    va_list rest;
    va_start(rest, flags);
    int mode = mode_of(flags, rest);
    va_end(rest);
    const char *boot = getenv("FAULT_BOOT_ID");
    if (boot && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) return real(boot, flags, mode);
    return fails('o', below(path)) ? -1 : real(path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...) {
    REAL(int, "openat64", int, const char *, int, ...);
    va_list rest;
    va_start(rest, flags);
    int mode = mode_of(flags, rest);
    va_end(rest);
    return fails('o', below(path)) ? -1 : real(dir, path, flags, mode);
}

int clock_gettime(clockid_t which, struct timespec *now) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int done = real(which, now);
    const char *clock = getenv("FAULT_CLOCK");
    if (done != 0 || which != CLOCK_REALTIME || !clock) return done;
    char text[32] = {0};
    long fd = syscall(SYS_openat, AT_FDCWD, clock, O_RDONLY);
    if (fd < 0) return done;
    if (syscall(SYS_read, fd, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
    syscall(SYS_close, fd);
    return done;
}
