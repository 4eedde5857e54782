/* What the server is compared with, and the clients that measure both.
 *
 *   peers http              a thread for each connection, which answers any request with a constant
 *   peers tail FILE         what is appended to FILE goes to each connection, by a thread and an
 *                           inotify of its own, as plain bytes
 *   peers frames FILE       a WebSocket gets FILE in binary frames by sendfile(2)
 *     each on a free port of the loopback, which it prints first
 *   peers read PORT BYTES PATH TOKEN
 *     opens a WebSocket, reads so many bytes or more, and prints the microseconds that took
 *   peers latency PORT FILE ROUNDS CLIENTS PATH TOKEN
 *     appends a line to FILE and waits until all clients have it; prints the median and the 99th
 *     percentile in microseconds, of the last client. An empty PATH: raw TCP
 *   peers idle PORT CLIENTS SECONDS TOKEN PATH...
 *     opens so many WebSockets, in turn for each path, prints a line and holds them
 *
 * The loops are as bare as they can be: they answer what the clients here ask, and nothing else. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *file;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int prompt(int socket) {
    int one = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return socket;
}

static int listener(void) {
    int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(socket_fd, (struct sockaddr *)&address, size) != 0 || listen(socket_fd, 128) != 0) fail("listen");
    getsockname(socket_fd, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return socket_fd;
}

static void put(int fd, const void *data, size_t len) {
    for (const char *at = data; len > 0;) {
        ssize_t n = write(fd, at, len);
        if (n <= 0) return;
        at += n;
        len -= (size_t)n;
    }
}

/* Reads up to the end of a head. Returns 0 where the client is gone. */
static int head(int fd) {
    static _Thread_local char buffer[16384];
    size_t used = 0;
    while (used < sizeof buffer - 1) {
        ssize_t n = read(fd, buffer + used, sizeof buffer - 1 - used);
        if (n <= 0) return 0;
        used += (size_t)n;
        buffer[used] = '\0';
        if (strstr(buffer, "\r\n\r\n")) return 1;
    }
    return 0;
}

static void each(void *(*serve)(void *)) {
    int on = listener();
    for (;;) {
        int fd = accept(on, NULL, NULL);
        pthread_t thread;
        if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(intptr_t)prompt(fd)) != 0) fail("accept");
        pthread_detach(thread);
    }
}

static void *answer(void *arg) {
    int fd = (int)(intptr_t)arg;
    char body[81], reply[256];
    memset(body, 'x', 80);
    body[80] = '\0';
    int size = snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 80\r\n\r\n%s", body);
    while (head(fd)) put(fd, reply, (size_t)size);
    close(fd);
    return NULL;
}

static void *frames(void *arg) {
    int fd = (int)(intptr_t)arg, from = open(file, O_RDONLY);
    struct stat meta;
    if (!head(fd) || from < 0 || fstat(from, &meta) != 0) fail("frames");
    const char *hello = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    put(fd, hello, strlen(hello));
    for (off_t at = 0; at < meta.st_size;) {
        uint64_t piece = (uint64_t)(meta.st_size - at) < 1 << 20 ? (uint64_t)(meta.st_size - at) : 1 << 20;
        unsigned char frame[10] = {0x82, 127};
        for (int i = 0; i < 8; i++) frame[2 + i] = (unsigned char)(piece >> (56 - 8 * i));
        send(fd, frame, sizeof frame, MSG_MORE | MSG_NOSIGNAL);
        for (off_t end = at + (off_t)piece; at < end;)
            if (sendfile(fd, from, &at, (size_t)(end - at)) <= 0) return NULL;
    }
    close(from);
    close(fd);
    return NULL;
}

static void *tail(void *arg) {
    int fd = (int)(intptr_t)arg, watch = inotify_init(), from = open(file, O_RDONLY);
    if (watch < 0) fail("inotify_init");
    if (from < 0 || inotify_add_watch(watch, file, IN_MODIFY) < 0) fail(file);
    lseek(from, 0, SEEK_END);
    char buffer[4096];
    while (read(watch, buffer, sizeof buffer) > 0) {
        ssize_t n;
        while ((n = read(from, buffer, sizeof buffer)) > 0)
            if (send(fd, buffer, (size_t)n, MSG_NOSIGNAL) < 0) goto gone;
    }
gone:
    close(watch);
    close(from);
    close(fd);
    return NULL;
}

static int reach(const char *port, const char *path, const char *token) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)atoi(port));
    if (connect(prompt(fd), (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
    if (!*path) return fd;
    char request[2048], reply[4096];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nAuthorization: Bearer %s\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                        path, port, token);
    put(fd, request, (size_t)size);
    /* One byte at a time: what follows the head is not ours to read. */
    for (size_t used = 0; used < sizeof reply - 1; used++) {
        if (read(fd, reply + used, 1) != 1) fail("handshake");
        reply[used + 1] = '\0';
        if (used < 3 || memcmp(reply + used - 3, "\r\n\r\n", 4) != 0) continue;
        if (strncmp(reply, "HTTP/1.1 101", 12) == 0) return fd;
        fprintf(stderr, "peers: %s: %s", path, reply);
        exit(1);
    }
    fail("handshake");
    return -1;
}

static void read_all(const char *port, long long bytes, const char *path, const char *token) {
    static char buffer[1 << 20];
    long long start = now(), seen = 0;
    int fd = reach(port, path, token);
    while (seen < bytes) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n <= 0) {
            fprintf(stderr, "peers: only %lld of %lld bytes came\n", seen, bytes);
            exit(1);
        }
        seen += n;
    }
    printf("%lld\n", (now() - start) / 1000);
}

static int in_order(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return (x > y) - (x < y);
}

static void latency(const char *port, int rounds, int clients, const char *path, const char *token) {
    struct pollfd *fds = calloc((size_t)clients, sizeof *fds);
    long long *taken = calloc((size_t)rounds, sizeof *taken);
    static char buffer[65536];
    for (int i = 0; i < clients; i++) fds[i] = (struct pollfd){.fd = reach(port, path, token), .events = POLLIN};
    int log = open(file, O_WRONLY | O_APPEND);
    if (log < 0) fail(file);
    usleep(300000);
    /* What was there before, and a few rounds to warm up. */
    for (int round = -5; round < rounds; round++) {
        for (int i = 0; i < clients; i++) {
            fds[i].events = POLLIN;
            while (recv(fds[i].fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0) continue;
        }
        char line[128], mark[32];
        snprintf(mark, sizeof mark, "mark-%d-%d.", (int)getpid(), round);
        int size = snprintf(line, sizeof line, "%s a line of a job as jobs write them, of eighty bytes or so\n", mark);
        long long start = now();
        put(log, line, (size_t)size);
        for (int left = clients; left > 0;) {
            if (poll(fds, (nfds_t)clients, 10000) <= 0) fail("a line never came");
            for (int i = 0; i < clients; i++) {
                if (!fds[i].revents) continue;
                ssize_t n = read(fds[i].fd, buffer, sizeof buffer - 1);
                if (n <= 0) fail("a client was dropped");
                if (!memmem(buffer, (size_t)n, mark, strlen(mark))) continue;
                fds[i].events = 0;
                left--;
            }
        }
        if (round >= 0) taken[round] = now() - start;
        usleep(3000 + (unsigned)(round * 37 % 1000));
    }
    qsort(taken, (size_t)rounds, sizeof *taken, in_order);
    printf("%.1f %.1f\n", (double)taken[rounds / 2] / 1000.0, (double)taken[rounds * 99 / 100] / 1000.0);
}

static void idle(const char *port, int clients, int seconds, const char *token, char **paths) {
    int kinds = 0;
    while (paths[kinds]) kinds++;
    for (int i = 0; i < clients; i++) reach(port, paths[i % kinds], token);
    printf("open\n");
    fflush(stdout);
    sleep((unsigned)seconds);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (argc > 2) file = argv[2];
    if (strcmp(what, "http") == 0) each(answer);
    else if (strcmp(what, "tail") == 0 && argc > 2) each(tail);
    else if (strcmp(what, "frames") == 0 && argc > 2) each(frames);
    else if (strcmp(what, "read") == 0 && argc > 5) read_all(argv[2], atoll(argv[3]), argv[4], argv[5]);
    else if (strcmp(what, "latency") == 0 && argc > 7) {
        file = argv[3];
        latency(argv[2], atoi(argv[4]), atoi(argv[5]), argv[6], argv[7]);
    } else if (strcmp(what, "idle") == 0 && argc > 6) idle(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5], &argv[6]);
    else {
        fprintf(stderr, "peers: see the head of peers.c\n");
        return 2;
    }
    return 0;
}
