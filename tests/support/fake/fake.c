/* The agent of the tests, and a starting gate; one static-free C file so that `cc` alone builds it.
 *
 * As `gate FILE PROGRAM ARGS...` it marks itself ready in FILE.ready, waits until nobody holds FILE
 * exclusively, and becomes PROGRAM: a barrier for hundreds of processes.
 *
 * As `tracer PID` it stops that process as a debugger does, for as long as it lives.
 *
 * Under any other name it is an agent. It writes what it was given into ../fake beside its own
 * folder, then obeys every line of its arguments and its stdin that starts with `%`:
 *   %out TEXT, %err TEXT   a line            %bytes N      N bytes in 16-byte numbered lines
 *   %exit N, %signal N     end               %hang         until a signal
 *   %until FILE            it exists         %touch FILE   make it
 *   %ignore-term           and HUP and INT   %fork-on-term leave a child behind on TERM
 *   %setsid, %double-fork  leave a child     %sh COMMAND   by a shell, waited for
 *   %echo                  stdin to stdout   %ask          read a line, keep it
 *   %close                 stdout and stderr %slow N       N numbered lines, 200 us apart
 *   %bell                  rings the terminal's
 *   %lone                  holds its pair's lock while it lives; `clash` in the log where another does
 * Unknown lines are text. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static char folder[4096], key[256];
static char *input;
static size_t input_len;

static void put(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0) {
            if (errno == EINTR) continue;
            return;
        }
        data += n;
        len -= (size_t)n;
    }
}

static int record(const char *what) {
    char path[8192];
    snprintf(path, sizeof path, "%s/%s.%s", folder, key, what);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static const char *env_or(const char *name) {
    const char *value = getenv(name);
    return value ? value : "-";
}

/* One line of the common log: what, pid, run, mode, task, monotonic nanoseconds. */
static void note(const char *what) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char line[1024], path[8192];
    int len = snprintf(line, sizeof line, "%s %d %s %s %s %lld\n", what, (int)getpid(), env_or("DISPATCH_RUN_ID"),
                       env_or("DISPATCH_MODE"), env_or("DISPATCH_TASK"),
                       (long long)now.tv_sec * 1000000000LL + now.tv_nsec);
    snprintf(path, sizeof path, "%s/log", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    put(fd, line, (size_t)len);
    close(fd);
}

static void hang(void) {
    for (;;) pause();
}

static void leave_child(int twice) {
    if (fork() != 0) return;
    if (twice && fork() != 0) _exit(0);
    setsid();
    note("child");
    hang();
}

static void on_term(int signal_number) {
    (void)signal_number;
    if (fork() == 0) {
        signal(SIGTERM, SIG_IGN);
        setsid();
        note("child");
        hang();
    }
}

static void numbered(long long bytes, int pause_us) {
    static char block[65536];
    size_t used = 0;
    for (long long i = 0; i * 16 < bytes; i++) {
        char line[32];
        snprintf(line, sizeof line, "%015lld\n", i);
        memcpy(block + used, line, 16);
        used += 16;
        if (used == sizeof block || pause_us) {
            put(1, block, used);
            used = 0;
            if (pause_us) usleep((useconds_t)pause_us);
        }
    }
    put(1, block, used);
}

static const char *after(const char *line, const char *word) {
    size_t len = strlen(word);
    if (strncmp(line, word, len) != 0) return NULL;
    if (line[len] == '\0') return line + len;
    return line[len] == ' ' ? line + len + 1 : NULL;
}

static void lone(void) {
    char path[8192];
    snprintf(path, sizeof path, "%s/%s.%s.lone", folder, env_or("DISPATCH_MODE"), env_or("DISPATCH_TASK"));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) note("clash");
}

static void obey(const char *line) {
    const char *rest;
    if ((rest = after(line, "%out"))) {
        put(1, rest, strlen(rest));
        put(1, "\n", 1);
    } else if ((rest = after(line, "%err"))) {
        put(2, rest, strlen(rest));
        put(2, "\n", 1);
    } else if ((rest = after(line, "%bytes"))) {
        numbered(atoll(rest), 0);
    } else if ((rest = after(line, "%slow"))) {
        numbered(atoll(rest) * 16, 200);
    } else if (after(line, "%bell")) {
        put(1, "\a", 1);
    } else if ((rest = after(line, "%exit"))) {
        exit(atoi(rest));
    } else if ((rest = after(line, "%signal"))) {
        signal(atoi(rest), SIG_DFL);
        raise(atoi(rest));
        hang();
    } else if (after(line, "%hang")) {
        note("hang");
        hang();
    } else if ((rest = after(line, "%until"))) {
        while (access(rest, F_OK) != 0) usleep(1000);
    } else if ((rest = after(line, "%touch"))) {
        close(open(rest, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    } else if (after(line, "%ignore-term")) {
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        signal(SIGINT, SIG_IGN);
    } else if (after(line, "%fork-on-term")) {
        signal(SIGTERM, on_term);
    } else if (after(line, "%setsid")) {
        leave_child(0);
    } else if (after(line, "%double-fork")) {
        leave_child(1);
    } else if ((rest = after(line, "%sh"))) {
        int status = system(rest);
        int fd = record("sh");
        dprintf(fd, "%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        close(fd);
    } else if (after(line, "%echo")) {
        put(1, input, input_len);
    } else if (after(line, "%ask")) {
        char answer[4096];
        ssize_t n = read(0, answer, sizeof answer);
        int fd = record("answer");
        if (n > 0) put(fd, answer, (size_t)n);
        close(fd);
    } else if (after(line, "%lone")) {
        lone();
    } else if (after(line, "%close")) {
        close(1);
        close(2);
    }
}

static void obey_text(const char *text, size_t len) {
    const char *end = text + len;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        if (*text == '%' && stop - text < 4096) {
            char line[4096];
            memcpy(line, text, (size_t)(stop - text));
            line[stop - text] = '\0';
            obey(line);
        }
        text = stop + 1;
    }
}

static void record_everything(int argc, char **argv) {
    int fd = record("argv");
    for (int i = 0; i < argc; i++) put(fd, argv[i], strlen(argv[i]) + 1);
    close(fd);
    fd = record("env");
    for (char **entry = environ; *entry; entry++) put(fd, *entry, strlen(*entry) + 1);
    close(fd);
    char text[8192];
    fd = record("cwd");
    if (getcwd(text, sizeof text)) put(fd, text, strlen(text));
    close(fd);
    fd = record("stdin");
    put(fd, input, input_len);
    close(fd);

    fd = record("state");
    mode_t mask = umask(0);
    umask(mask);
    dprintf(fd, "umask %03o\n", (unsigned)mask);
    DIR *open_files = opendir("/proc/self/fd");
    for (struct dirent *entry; open_files && (entry = readdir(open_files));) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && number != fd && number != dirfd(open_files)) dprintf(fd, "fd %d\n", number);
    }
    if (open_files) closedir(open_files);
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(text, sizeof text, status))
        if (strncmp(text, "SigBlk", 6) == 0 || strncmp(text, "SigIgn", 6) == 0) dprintf(fd, "%s", text);
    if (status) fclose(status);
    close(fd);
}

static int gate(char **argv) {
    char path[8192];
    snprintf(path, sizeof path, "%s.ready", argv[1]);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    put(fd, ".", 1);
    close(fd);
    fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    flock(fd, LOCK_SH);
    execvp(argv[2], argv + 2);
    return 127;
}

/* Stops a process as a debugger does, and keeps it so: no SIGCONT continues it. */
static int tracer(pid_t pid) {
    if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0) return 71;
    waitpid(pid, NULL, 0);
    for (;;) pause();
}

int main(int argc, char **argv) {
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0) return 70;
    self[len] = '\0';
    if (strcmp(basename(strdup(argv[0])), "gate") == 0 && argc > 2) return gate(argv);
    if (strcmp(basename(strdup(argv[0])), "tracer") == 0 && argc > 1) return tracer(atoi(argv[1]));
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("1.0.0 (fake)");
        return 0;
    }
    snprintf(folder, sizeof folder, "%s/../fake", dirname(self));
    const char *run = getenv("DISPATCH_RUN_ID");
    if (run) snprintf(key, sizeof key, "%.200s", run);
    else snprintf(key, sizeof key, "pid-%d", (int)getpid());
    note("start");

    if (!isatty(0)) {
        size_t room = 0;
        for (;;) {
            if (input_len + 65536 > room) input = realloc(input, room = room * 2 + 131072);
            ssize_t n = read(0, input + input_len, 65536);
            if (n <= 0) break;
            input_len += (size_t)n;
        }
    }
    record_everything(argc, argv);
    note("ready");
    for (int i = 1; i < argc; i++) obey_text(argv[i], strlen(argv[i]));
    obey_text(input, input_len);
    return 0;
}
