/* The benchmark's clock: runs commands interleaved and prints medians and minima in microseconds.
 *
 *   timer compare N WHAT -- LABEL SETUP CLEANUP PROGRAM ARGS... [-- LABEL ...]
 *     SETUP and CLEANUP are shell lines (or empty) outside the measured time. WHAT is
 *       return  from the start of PROGRAM to its end
 *       first   from the start of PROGRAM to the stamp that its job writes as its first act
 *       end     from the stamp that a job writes as its last act to the end of PROGRAM
 *   timer stamp                  the job: writes the stamp
 *   timer stamp-after MS         the same after a while, as its last act
 *   timer write BYTES            writes them in 64 KiB pieces, then its CPU time and its parent's
 *   timer hold                   stays until it is killed
 *   timer count [hold]           the job of many: adds its stamp to the file `count`, and may stay
 *   timer until N PROGRAM ARGS   from the start of PROGRAM to the last of N such stamps, in us
 *   timer waiters N              the same with N supervisors that do nothing but start and wait
 *
 * Stamps and CPU times go to files in $BENCH_STAMPS. Nothing is printed by the jobs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static const char *place(const char *name) {
    static char path[4096];
    const char *folder = getenv("BENCH_STAMPS");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : ".", name);
    return path;
}

static void write_number(const char *name, long long value) {
    char text[64], fresh[4200];
    int len = snprintf(text, sizeof text, "%lld\n", value);
    snprintf(fresh, sizeof fresh, "%s.new", place(name));
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (write(fd, text, (size_t)len) != len) _exit(70);
    close(fd);
    rename(fresh, place(name));
}

/* Waits for a number to be written, at most ten seconds. */
static long long read_number(const char *name) {
    for (int tries = 0; tries < 100000; tries++) {
        FILE *file = fopen(place(name), "r");
        if (file) {
            long long value = -1;
            if (fscanf(file, "%lld", &value) != 1) value = -1;
            fclose(file);
            return value;
        }
        usleep(100);
    }
    fprintf(stderr, "timer: the job never wrote its stamp\n");
    exit(1);
}

static void shell(const char *line) {
    if (*line && system(line) != 0) fprintf(stderr, "timer: failed: %s\n", line);
}

static int in_order(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

struct method {
    const char *label, *setup, *cleanup;
    char **argv;
    long long *taken;
};

static long long once(struct method *m, const char *what) {
    unlink(place("stamp"));
    shell(m->setup);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    long long start = now();
    if (posix_spawnp(&pid, m->argv[0], &actions, NULL, m->argv, environ) != 0) {
        fprintf(stderr, "timer: cannot start %s\n", m->argv[0]);
        exit(1);
    }
    int status;
    waitpid(pid, &status, 0);
    long long end = now();
    posix_spawn_file_actions_destroy(&actions);
    long long taken = end - start;
    if (strcmp(what, "first") == 0) taken = read_number("stamp") - start;
    if (strcmp(what, "end") == 0) taken = end - read_number("stamp");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fprintf(stderr, "timer: %s ended with status %x\n", m->label, status);
    shell(m->cleanup);
    return taken;
}

static int compare(int argc, char **argv) {
    int rounds = atoi(argv[2]), methods = 0;
    struct method all[16];
    for (int i = 4; i < argc && methods < 16; i++) {
        if (strcmp(argv[i], "--") != 0 || i + 4 >= argc) return 2;
        struct method *m = &all[methods++];
        m->label = argv[i + 1];
        m->setup = argv[i + 2];
        m->cleanup = argv[i + 3];
        m->argv = &argv[i + 4];
        m->taken = calloc((size_t)rounds + 1, sizeof *m->taken);
        for (i += 4; i < argc && strcmp(argv[i], "--") != 0; i++) continue;
        if (i < argc) {
            argv[i] = NULL; /* ends this method's argv */
            argv[i] = strdup("--");
            char **own = calloc((size_t)(&argv[i] - m->argv) + 1, sizeof *own);
            memcpy(own, m->argv, (size_t)(&argv[i] - m->argv) * sizeof *own);
            m->argv = own;
            i--;
        }
    }
    for (int m = 0; m < methods; m++) once(&all[m], argv[3]); /* warm */
    for (int round = 0; round < rounds; round++)
        for (int m = 0; m < methods; m++) all[m].taken[round] = once(&all[m], argv[3]);
    for (int m = 0; m < methods; m++) {
        qsort(all[m].taken, (size_t)rounds, sizeof(long long), in_order);
        printf("%s %.1f %.1f\n", all[m].label, (double)all[m].taken[rounds / 2] / 1000.0, (double)all[m].taken[0] / 1000.0);
    }
    return 0;
}

/* User and system time of a process in microseconds, by /proc. */
static long long cpu_of(pid_t pid) {
    char path[64], text[2048];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    char *rest = strrchr(text, ')');
    long long user = 0, system_time = 0;
    if (!rest || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &user, &system_time) != 2)
        return 0;
    return (user + system_time) * 1000000 / sysconf(_SC_CLK_TCK);
}

static int write_bytes(long long bytes) {
    static char block[65536];
    memset(block, 'x', sizeof block);
    for (size_t i = 79; i < sizeof block; i += 80) block[i] = '\n';
    while (bytes > 0) {
        ssize_t n = write(1, block, bytes < (long long)sizeof block ? (size_t)bytes : sizeof block);
        if (n < 0) return 1;
        bytes -= n;
    }
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    long long micros = (own.ru_utime.tv_sec + own.ru_stime.tv_sec) * 1000000LL + own.ru_utime.tv_usec + own.ru_stime.tv_usec;
    write_number("cpu", micros + cpu_of(getppid()));
    return 0;
}

static int count(int stays) {
    long long stamp = now();
    int fd = open(place("count"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (write(fd, &stamp, sizeof stamp) != sizeof stamp) return 1;
    close(fd);
    while (stays) pause();
    return 0;
}

/* Waits, at most a minute, for that many stamps and prints the time from start to the last. */
static int last_of(long long start, int wanted) {
    for (int tries = 0; tries < 300000; tries++) {
        FILE *file = fopen(place("count"), "r");
        long long stamp, last = 0;
        int seen = 0;
        for (; file && fread(&stamp, sizeof stamp, 1, file) == 1; seen++)
            if (stamp > last) last = stamp;
        if (file) fclose(file);
        if (seen >= wanted) {
            printf("%lld\n", (last - start) / 1000);
            return 0;
        }
        usleep(200);
    }
    fprintf(stderr, "timer: not all jobs came\n");
    return 1;
}

static int until(int wanted, char **argv) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    unlink(place("count"));
    long long start = now();
    if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0) return 1;
    waitpid(pid, NULL, 0);
    return last_of(start, wanted);
}

static int waiters(int wanted, char *self) {
    unlink(place("count"));
    char *argv[] = {self, "waiter", NULL};
    pid_t *pids = calloc((size_t)wanted, sizeof *pids);
    long long start = now();
    for (int i = 0; i < wanted; i++)
        if (posix_spawn(&pids[i], self, NULL, NULL, argv, environ) != 0) return 1;
    int result = last_of(start, wanted);
    for (int i = 0; i < wanted; i++) kill(pids[i], SIGKILL);
    return result;
}

/* What a supervisor must do at least: a session of its own, a job that dies with it, its end. */
static int waiter(char *self) {
    setsid();
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(self, self, "count", "hold", (char *)NULL);
        _exit(127);
    }
    return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "stamp") == 0) {
        write_number("stamp", now());
        return 0;
    }
    if (strcmp(what, "stamp-after") == 0 && argc > 2) {
        usleep((useconds_t)atoi(argv[2]) * 1000);
        write_number("stamp", now());
        return 0;
    }
    if (strcmp(what, "write") == 0 && argc > 2) return write_bytes(atoll(argv[2]));
    if (strcmp(what, "hold") == 0) {
        write_number("holder", getppid());
        for (;;) pause();
    }
    if (strcmp(what, "count") == 0) return count(argc > 2);
    if (strcmp(what, "until") == 0 && argc > 3) return until(atoi(argv[2]), &argv[3]);
    if (strcmp(what, "waiters") == 0 && argc > 2) return waiters(atoi(argv[2]), "/proc/self/exe");
    if (strcmp(what, "waiter") == 0) return waiter("/proc/self/exe");
    if (strcmp(what, "compare") == 0 && argc > 4) return compare(argc, argv);
    fprintf(stderr, "timer: see the head of timer.c\n");
    return 2;
}
