/* The benchmark's terminal: runs a full-screen program in a terminal of 120 x 40 and prints what it measured.
 *
 *   screens first TEXT COMMAND...       us from the start to the first frame that holds TEXT
 *   screens keys N TEXT COMMAND...      then N times `j` or `k`: us from the key to the frame, median and p95, and KiB
 *                                       that the program's own memory grew in the second half of the keys
 *   screens idle SECONDS TEXT COMMAND... then no key: CPU time of the program in ms
 *
 * Each ends the program with `q`. Fails after 30 s without TEXT. */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int terminal;
static pid_t program;

static void fail(const char *why) {
    fprintf(stderr, "screens: %s\n", why);
    exit(1);
}

/* Reads what comes within `ms`; returns the number of bytes, 0 after that time. */
static ssize_t take(char *into, size_t room, int ms) {
    struct pollfd fd = {.fd = terminal, .events = POLLIN};
    if (poll(&fd, 1, ms) <= 0) return 0;
    ssize_t count = read(terminal, into, room);
    return count > 0 ? count : -1;
}

/* Frames are drawn in parts: letters of a word may have been there before, so TEXT must be new on the screen. */
static void wait_for(const char *text) {
    static char seen[1 << 20];
    size_t length = 0;
    long long end = now() + 30000000;
    while (now() < end) {
        if (length > sizeof seen / 2) length = 0;
        ssize_t count = take(seen + length, sizeof seen - length - 1, 100);
        if (count < 0) fail("the program ended");
        length += (size_t)count;
        seen[length] = 0;
        if (strstr(seen, text)) return;
    }
    fail("the text did not come");
}

/* Private memory of the program in KiB. */
static long own_memory(void) {
    char path[64], line[256];
    long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/status", program);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) sscanf(line, "RssAnon: %ld", &kib);
    if (file) fclose(file);
    return kib;
}

/* CPU time of the program in clock ticks. */
static long ticks(void) {
    char path[64], text[1024];
    long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", program);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(text, sizeof text, file)) fail("the program ended");
    fclose(file);
    char *rest = strrchr(text, ')');
    long waited_user = 0, waited_system = 0;
    /* With that of its children that ended. */
    sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld %ld %ld", &user, &system, &waited_user, &waited_system);
    return user + system + waited_user + waited_system;
}

static int by_size(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

static void press_keys(int count) {
    static char buffer[1 << 16];
    long long *times = calloc((size_t)count, sizeof *times);
    long before = 0;
    for (int n = 0; n < count; n++) {
        if (n == count / 2) before = own_memory();
        /* What is still drawn belongs to the key before. */
        while (take(buffer, sizeof buffer, 20) > 0) {}
        /* Down through the list, then up again. */
        char key = n / 200 % 2 ? 'k' : 'j';
        long long begun = now();
        if (write(terminal, &key, 1) != 1) fail("the program does not read");
        if (take(buffer, sizeof buffer, 5000) <= 0) fail("no frame came");
        times[n] = now() - begun;
    }
    long grown = own_memory() - before;
    qsort(times, (size_t)count, sizeof *times, by_size);
    printf("%lld %lld %ld\n", times[count / 2], times[count * 95 / 100], grown > 0 ? grown : 0);
}

int main(int argc, char **argv) {
    if (argc < 4) fail("too few arguments");
    int numbered = strcmp(argv[1], "first") != 0;
    char **command = argv + (numbered ? 4 : 3);
    const char *text = argv[numbered ? 3 : 2];
    struct winsize size = {.ws_row = 40, .ws_col = 120};
    long long begun = now();
    program = forkpty(&terminal, NULL, NULL, &size);
    if (program < 0) fail("no terminal");
    if (program == 0) {
        setenv("TERM", "xterm-256color", 1);
        execvp(command[0], command);
        _exit(127);
    }
    wait_for(text);
    if (!numbered) printf("%lld\n", now() - begun);
    else if (strcmp(argv[1], "keys") == 0) press_keys(atoi(argv[2]));
    else {
        static char buffer[1 << 16];
        long long end = now() + 2000000;
        while (now() < end) take(buffer, sizeof buffer, 100);
        long before = ticks();
        end = now() + atoi(argv[2]) * 1000000LL;
        while (now() < end) take(buffer, sizeof buffer, 100);
        printf("%ld\n", (ticks() - before) * 1000 / sysconf(_SC_CLK_TCK));
    }
    if (write(terminal, "q", 1) != 1) fail("the program does not read");
    static char rest[1 << 16];
    while (take(rest, sizeof rest, 5000) > 0) {}
    int status;
    waitpid(program, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
