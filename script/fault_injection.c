/* A preloaded library that makes system calls on database files fail, for `script/fault-injection`.
 *
 * FAULTS_CONTROL names a file of 32-bit numbers that this library maps and the script writes:
 *   0   the call to fail (see `enum call`; 0: none)
 *   1   the error number
 *   2   how many of these calls pass first
 *   3   how many fail after that (-1: all)
 *   4   how many have failed
 *   16… the number of calls of each kind
 * FAULTS_FILE is a substring of the paths of all database files.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum call {
    NONE, OPEN, READ, PREAD, WRITE, PWRITE, FSYNC, FDATASYNC, FTRUNCATE, FALLOCATE, MMAP, FCNTL,
    FSTAT, STAT, LSEEK, UNLINK, ACCESS, CLOSE
};

enum { MAX_DESCRIPTORS = 4096 };
static volatile int32_t *control;
static const char *path_part;
/* Whether each descriptor belongs to a database file. */
static volatile char is_database[MAX_DESCRIPTORS];

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("FAULTS_CONTROL");
    path_part = getenv("FAULTS_FILE");
    if (!path || !path_part) return;
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int fd = real(path, O_RDWR);
    if (fd < 0) return;
    void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED) control = mapped;
}

/* Counts a call. Returns whether it must fail, and sets errno in that case. */
static int fails(enum call call) {
    if (!control) return 0;
    __atomic_add_fetch(&control[16 + call], 1, __ATOMIC_SEQ_CST);
    if (control[0] != (int32_t)call) return 0;
    if (control[2] > 0) {
        __atomic_sub_fetch(&control[2], 1, __ATOMIC_SEQ_CST);
        return 0;
    }
    if (control[3] == 0) return 0;
    if (control[3] > 0) __atomic_sub_fetch(&control[3], 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&control[4], 1, __ATOMIC_SEQ_CST);
    errno = control[1];
    return 1;
}

static int is_ours(int fd) { return fd >= 0 && fd < MAX_DESCRIPTORS && is_database[fd]; }
static int is_path(const char *path) { return path_part && path && strstr(path, path_part); }

/* Declares `real`, the function of the C library. */
#define REAL(type, name, ...)                                  \
    static type (*real)(__VA_ARGS__);                          \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* Records whether a new descriptor belongs to a database file. */
static int opened(const char *path, int fd) {
    if (fd >= 0 && fd < MAX_DESCRIPTORS) is_database[fd] = is_path(path) ? 1 : 0;
    return fd;
}

#define OPENS(symbol, name)                                    \
    int symbol(const char *path, int flags, ...) {             \
        va_list rest;                                          \
        va_start(rest, flags);                                 \
        mode_t mode = va_arg(rest, mode_t);                    \
        va_end(rest);                                          \
        REAL(int, name, const char *, int, ...);               \
        if (is_path(path) && fails(OPEN)) return -1;           \
        return opened(path, real(path, flags, mode));          \
    }
OPENS(open, "open")
OPENS(open64, "open64")

int close(int fd) {
    REAL(int, "close", int);
    int ours = is_ours(fd);
    if (ours) is_database[fd] = 0;
    int result = real(fd);
    /* Linux closes the descriptor even if close fails. */
    if (ours && fails(CLOSE)) return -1;
    return result;
}

ssize_t read(int fd, void *to, size_t length) {
    REAL(ssize_t, "read", int, void *, size_t);
    return is_ours(fd) && fails(READ) ? -1 : real(fd, to, length);
}

#define PREADS(symbol, name)                                                 \
    ssize_t symbol(int fd, void *to, size_t length, off_t at) {              \
        REAL(ssize_t, name, int, void *, size_t, off_t);                     \
        return is_ours(fd) && fails(PREAD) ? -1 : real(fd, to, length, at);  \
    }
PREADS(pread, "pread")
PREADS(pread64, "pread64")

ssize_t write(int fd, const void *from, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return is_ours(fd) && fails(WRITE) ? -1 : real(fd, from, length);
}

#define PWRITES(symbol, name)                                                   \
    ssize_t symbol(int fd, const void *from, size_t length, off_t at) {         \
        REAL(ssize_t, name, int, const void *, size_t, off_t);                  \
        return is_ours(fd) && fails(PWRITE) ? -1 : real(fd, from, length, at);  \
    }
PWRITES(pwrite, "pwrite")
PWRITES(pwrite64, "pwrite64")

int fsync(int fd) {
    REAL(int, "fsync", int);
    return is_ours(fd) && fails(FSYNC) ? -1 : real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    return is_ours(fd) && fails(FDATASYNC) ? -1 : real(fd);
}

#define FTRUNCATES(symbol, name)                                          \
    int symbol(int fd, off_t length) {                                    \
        REAL(int, name, int, off_t);                                      \
        return is_ours(fd) && fails(FTRUNCATE) ? -1 : real(fd, length);   \
    }
FTRUNCATES(ftruncate, "ftruncate")
FTRUNCATES(ftruncate64, "ftruncate64")

/* posix_fallocate returns the error number. */
#define FALLOCATES(symbol, name)                                                        \
    int symbol(int fd, off_t from, off_t length) {                                      \
        REAL(int, name, int, off_t, off_t);                                             \
        return is_ours(fd) && fails(FALLOCATE) ? errno : real(fd, from, length);        \
    }
FALLOCATES(posix_fallocate, "posix_fallocate")
FALLOCATES(posix_fallocate64, "posix_fallocate64")

#define MMAPS(symbol, name)                                                                     \
    void *symbol(void *at, size_t length, int protection, int flags, int fd, off_t from) {      \
        REAL(void *, name, void *, size_t, int, int, int, off_t);                               \
        if (is_ours(fd) && fails(MMAP)) return MAP_FAILED;                                      \
        return real(at, length, protection, flags, fd, from);                                   \
    }
MMAPS(mmap, "mmap")
MMAPS(mmap64, "mmap64")

/* Whether a call releases a lock. That cannot fail on an open descriptor (fcntl(2)), and SQLite
 * ignores the result. */
static int releases(int command, void *argument) {
    if (command != F_SETLK && command != F_SETLKW) return 0;
    return argument && ((struct flock *)argument)->l_type == F_UNLCK;
}

#define FCNTLS(symbol, name)                                                     \
    int symbol(int fd, int command, ...) {                                       \
        va_list rest;                                                            \
        va_start(rest, command);                                                 \
        void *argument = va_arg(rest, void *);                                   \
        va_end(rest);                                                            \
        REAL(int, name, int, int, ...);                                          \
        if (is_ours(fd) && !releases(command, argument) && fails(FCNTL)) return -1; \
        return real(fd, command, argument);                                      \
    }
FCNTLS(fcntl, "fcntl")
FCNTLS(fcntl64, "fcntl64")

#define FSTATS(symbol, name, type)                                    \
    int symbol(int fd, type *to) {                                    \
        REAL(int, name, int, type *);                                 \
        return is_ours(fd) && fails(FSTAT) ? -1 : real(fd, to);       \
    }
FSTATS(fstat, "fstat", struct stat)
FSTATS(fstat64, "fstat64", struct stat64)

#define STATS(symbol, name, type)                                     \
    int symbol(const char *path, type *to) {                          \
        REAL(int, name, const char *, type *);                        \
        return is_path(path) && fails(STAT) ? -1 : real(path, to);    \
    }
STATS(stat, "stat", struct stat)
STATS(stat64, "stat64", struct stat64)

#define LSEEKS(symbol, name)                                               \
    off_t symbol(int fd, off_t at, int whence) {                           \
        REAL(off_t, name, int, off_t, int);                                \
        return is_ours(fd) && fails(LSEEK) ? -1 : real(fd, at, whence);    \
    }
LSEEKS(lseek, "lseek")
LSEEKS(lseek64, "lseek64")

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    return is_path(path) && fails(UNLINK) ? -1 : real(path);
}

int access(const char *path, int mode) {
    REAL(int, "access", const char *, int);
    return is_path(path) && fails(ACCESS) ? -1 : real(path, mode);
}
