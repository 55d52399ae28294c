
/*
 * Whole answers, one after another: what a request costs the worker between.
 *
 *     ask PORT PATH KEY FILE CONNECTIONS MS PROVIDER_PORT [KEYS]
 *
 * Posts FILE over and over for MS milliseconds, and is the provider, too.  With
 * KEYS the last six characters of KEY are a number below it, another one each
 * time.
 * One process has both ends, and never sleeps: whoever sends to a process that
 * sleeps on the same host pays for waking it, at a price that depends on how
 * busy it is.  Clients and providers elsewhere cost the worker nothing of the
 * kind.
 *
 * Prints one line: requests, microseconds, failures, answers other than 200,
 * and in microseconds the median and the 99th percentile.
 */


#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"
#include "tool.h"


#define ANSWER_SIZE  16384
#define MAX_EVENTS   64
#define STALL_NS     10000000000
#define DIGITS       6


typedef struct {
    sock_t         sock;
    size_t         sent;
    size_t         got;
    uint64_t       start;
    char           answer[ANSWER_SIZE];
} client_t;


static int         epfd;
static int         port;
static char       *request;
static size_t      length;
static char       *number;       /* of the key, in the request */
static unsigned    keys;         /* 0: always the same */
static uint64_t    until;
static unsigned    running;      /* clients that wait for an answer */
static uint64_t    requests;
static uint64_t    failed;
static uint64_t    refused;
static samples_t   times;        /* us to the end of an answer */


static void client_ready(sock_t *s);


static int
request_read(const char *path, const char *key, const char *file)
{
    long    size;
    FILE   *f;
    size_t  room;

    f = fopen(file, "rb");

    if (f == NULL || fseek(f, 0, SEEK_END) == -1 || (size = ftell(f)) < 0) {
        return -1;
    }

    rewind(f);

    room = size + strlen(path) + strlen(key) + 256;

    request = malloc(room);
    if (request == NULL) {
        return -1;
    }

    length = snprintf(request, room,
                      "POST %s HTTP/1.1\r\n"
                      "Host: 127.0.0.1:%d\r\n"
                      "Authorization: Bearer %s\r\n"
                      "Content-Type: application/json\r\n"
                      "Content-Length: %ld\r\n"
                      "\r\n", path, port, key, size);

    number = strstr(request, "Bearer ") + sizeof("Bearer ") - 1 + strlen(key)
             - DIGITS;

    if (fread(request + length, 1, size, f) != (size_t) size) {
        return -1;
    }

    length += size;

    return fclose(f);
}


static void
client_watch(client_t *c, int op, unsigned events)
{
    struct epoll_event  ee;

    ee.events = events;
    ee.data.ptr = &c->sock;

    if (epoll_ctl(epfd, op, c->sock.fd, &ee) == -1) {
        perror("ask");
        exit(1);
    }
}


/* no cache knows which one comes next */

static void
key_choose(void)
{
    int              i;
    unsigned         n;
    static uint64_t  x = 88172645463325252;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;

    n = x % keys;

    for (i = DIGITS - 1; i >= 0; i--) {
        number[i] = '0' + n % 10;
        n /= 10;
    }
}


/* what the socket takes; 1: that was all */

static int
client_send(client_t *c)
{
    ssize_t  n;

    while (c->sent < length) {
        n = send(c->sock.fd, request + c->sent, length - c->sent,
                 MSG_NOSIGNAL|MSG_DONTWAIT);

        if (n <= 0) {
            return 0;
        }

        c->sent += n;
    }

    return 1;
}


static void
client_ask(client_t *c, int op)
{
    c->sent = 0;
    c->got = 0;
    c->start = now();

    if (keys) {
        key_choose();
    }

    /* a request that does not go at once waits for room, and for its answer */

    client_watch(c, op, client_send(c) ? EPOLLIN : EPOLLIN|EPOLLOUT);
}


static void
client_open(client_t *c)
{
    c->sock.ready = client_ready;
    c->sock.fd = dial(port);

    if (c->sock.fd == -1) {
        perror("ask");
        exit(1);
    }

    client_ask(c, EPOLL_CTL_ADD);
}


/* whether all of an answer has come */

static int
client_whole(client_t *c)
{
    char    *end, *p;
    size_t   len;

    c->answer[c->got] = '\0';

    end = strstr(c->answer, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }

    len = c->got - (end + 4 - c->answer);

    p = strcasestr(c->answer, "\r\ncontent-length:");

    if (p && p < end) {
        return len >= strtoull(p + 17, NULL, 10);
    }

    return len >= 5 && memcmp(c->answer + c->got - 5, "0\r\n\r\n", 5) == 0;
}


static void
client_ready(sock_t *s)
{
    ssize_t    n;
    uint64_t   t;
    client_t  *c;

    c = (client_t *) s;

    if (c->sent < length && client_send(c)) {
        client_watch(c, EPOLL_CTL_MOD, EPOLLIN);
    }

    n = recv(c->sock.fd, c->answer + c->got, ANSWER_SIZE - 1 - c->got,
             MSG_DONTWAIT);

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    if (n <= 0) {

        /* closed between two requests, or before an answer */

        failed += (c->got != 0 || c->sent == length);
        close(c->sock.fd);

        if (now() < until) {
            client_open(c);

        } else {
            running--;
        }

        return;
    }

    c->got += n;

    if (!client_whole(c)) {
        return;
    }

    t = now();

    samples_add(&times, t - c->start);

    requests++;
    refused += (strncmp(c->answer, "HTTP/1.1 200", 12) != 0);

    if (t < until) {
        client_ask(c, EPOLL_CTL_MOD);

    } else {
        close(c->sock.fd);
        running--;
    }
}


int
main(int argc, char **argv)
{
    int                  i, n;
    sock_t              *s;
    uint64_t             begin;
    unsigned             connections;
    client_t            *clients;
    struct epoll_event   events[MAX_EVENTS];

    keys = (argc == 9) ? atoi(argv[8]) : 0;

    if (argc < 8 || argc > 9 || atoi(argv[5]) < 1
        || (keys && strlen(argv[3]) < DIGITS) || keys > 999999)
    {
        fprintf(stderr, "usage: ask PORT PATH KEY FILE CONNECTIONS MS "
                        "PROVIDER_PORT [KEYS]\n");
        return 2;
    }

    port = atoi(argv[1]);
    connections = atoi(argv[5]);

    signal(SIGPIPE, SIG_IGN);

    epfd = epoll_create1(0);
    clients = calloc(connections, sizeof(client_t));

    if (epfd == -1 || clients == NULL
        || request_read(argv[2], argv[3], argv[4]) == -1
        || serve_open(epfd, atoi(argv[7]), 1, 1) == -1)
    {
        perror("ask");
        return 1;
    }

    begin = now();
    until = begin + (uint64_t) atoi(argv[6]) * 1000000;

    for (running = 0; running < connections; running++) {
        client_open(&clients[running]);
    }

    while (running && now() < until + STALL_NS) {
        n = epoll_wait(epfd, events, MAX_EVENTS, 0);

        for (i = 0; i < n; i++) {
            s = events[i].data.ptr;
            s->ready(s);
        }
    }

    failed += running;

    printf("%llu %llu %llu %llu %u %u\n", (unsigned long long) requests,
           (unsigned long long) (now() - begin) / 1000,
           (unsigned long long) failed, (unsigned long long) refused,
           samples_at(&times, 50), samples_at(&times, 99));

    return 0;
}
