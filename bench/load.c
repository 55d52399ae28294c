
/*
 * Streams by the thousand: what wrk cannot count.
 *
 *     load stream|idle|queued PORT PATH KEY MODEL STREAMS RAMP_MS
 *
 * Opens STREAMS connections over RAMP_MS and asks each for one stream.
 *
 *     stream   reads all of them to their end and prints one line:
 *              streams, events, failures, then in microseconds the median and
 *              the 99th percentile of the time to the first event and of an
 *              event's way from provider to client
 *     idle     waits for the first event of each, prints how many came, and
 *              holds them until its standard input ends
 *     queued   waits for no answer but that to a request that is sent last:
 *              then the server has read all; prints and holds as above
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

#include "tool.h"


#define LINE_SIZE    512
#define READ_SIZE    65536
#define MAX_EVENTS   512
#define STALL_MS     10000


typedef enum {
    READ_HEAD = 0,      /* up to the empty line */
    READ_SIZE_LINE,     /* an HTTP chunk's length */
    READ_DATA,
    READ_CRLF,          /* behind its data */
    READ_LAST,          /* the empty line behind the last chunk */
    READ_DONE,
    READ_FAILED
} read_state_e;


typedef struct {
    int            fd;
    read_state_e   state;
    unsigned       line;         /* bytes in text[] of the current line */
    uint64_t       rest;         /* bytes of the chunk still to come */
    uint64_t       start;        /* when the request was sent */
    unsigned       events;
    unsigned       ok:1;         /* the status was 200 */
    unsigned       end:1;        /* [DONE] or message_stop was seen */
    char           text[LINE_SIZE];
} stream_t;


static samples_t   first;        /* us from request to first event */
static samples_t   way;          /* us from provider to here, each event */
static unsigned    started;      /* streams with a first event */
static unsigned    ended;
static unsigned    failed;
static uint64_t    total;        /* events */


/* a line of the event stream, without its end */

static void
stream_line(stream_t *s, uint64_t t)
{
    char  *p;

    if (strncmp(s->text, "data: {", 7) == 0) {

        if (s->events++ == 0) {
            started++;
            samples_add(&first, t - s->start);
        }

        total++;

        p = strstr(s->text, " t_");
        if (p) {
            samples_add(&way, t - strtoull(p + 3, NULL, 16));
        }

        if (strstr(s->text, "\"message_stop\"")) {
            s->end = 1;
        }

    } else if (strncmp(s->text, "data: [DONE]", 12) == 0) {
        s->end = 1;
    }
}


/* collects a line; 1 when it is whole and ends in *data */

static int
stream_collect(stream_t *s, const char **data, const char *last)
{
    size_t       n, room;
    const char  *lf;

    lf = memchr(*data, '\n', last - *data);
    n = (lf ? lf : last) - *data;
    room = LINE_SIZE - 1 - s->line;

    memcpy(s->text + s->line, *data, n < room ? n : room);
    s->line += n < room ? n : room;
    *data += lf ? n + 1 : n;

    if (lf == NULL) {
        return 0;
    }

    if (s->line > 0 && s->text[s->line - 1] == '\r') {
        s->line--;
    }

    s->text[s->line] = '\0';

    return 1;
}


static void
stream_data(stream_t *s, const char *data, const char *last, uint64_t t)
{
    while (data < last) {
        if (stream_collect(s, &data, last)) {
            stream_line(s, t);
            s->line = 0;
        }
    }
}


/*
 * HTTP/1.1 with chunks.  A line of the event stream may go on in the next
 * HTTP chunk: the lines between chunks are read byte by byte, into no buffer.
 */

static void
stream_feed(stream_t *s, const char *data, size_t len, uint64_t t)
{
    size_t       n;
    const char  *last;

    last = data + len;

    while (data < last) {

        switch (s->state) {

        case READ_HEAD:
            if (!stream_collect(s, &data, last)) {
                break;
            }

            if (strncmp(s->text, "HTTP/1.1 200", 12) == 0) {
                s->ok = 1;
            }

            if (s->line == 0) {
                s->state = s->ok ? READ_SIZE_LINE : READ_FAILED;
            }

            s->line = 0;
            break;

        case READ_SIZE_LINE:
            if (*data == '\n') {
                s->state = s->rest ? READ_DATA : READ_LAST;

            } else if (*data != '\r') {
                s->rest = s->rest * 16 + (*data <= '9' ? *data - '0'
                                                       : (*data | 32) - 87);
            }

            data++;
            break;

        case READ_DATA:
            n = last - data;
            n = n < s->rest ? n : s->rest;
            stream_data(s, data, data + n, t);
            data += n;
            s->rest -= n;

            if (s->rest == 0) {
                s->state = READ_CRLF;
            }

            break;

        case READ_CRLF:
            if (*data++ == '\n') {
                s->state = READ_SIZE_LINE;
            }

            break;

        case READ_LAST:
            if (*data++ == '\n') {
                s->state = s->end ? READ_DONE : READ_FAILED;
                return;
            }

            break;

        default:
            return;
        }
    }
}


static void
stream_read(stream_t *s)
{
    ssize_t      n;
    static char  buf[READ_SIZE];

    n = recv(s->fd, buf, sizeof(buf), 0);

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    if (n <= 0) {
        s->state = READ_FAILED;

    } else {
        stream_feed(s, buf, n, now());
    }

    if (s->state < READ_DONE) {
        return;
    }

    ended++;
    failed += s->state == READ_FAILED;
    close(s->fd);
    s->fd = -1;
}


static int
stream_open(stream_t *s, int epfd, int port, const char *request, size_t len)
{
    int                 fd;
    struct epoll_event  ee;

    fd = dial(port);
    if (fd == -1) {
        return -1;
    }

    s->fd = fd;
    s->start = now();

    if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t) len) {
        close(fd);
        return -1;
    }

    ee.events = EPOLLIN;
    ee.data.ptr = s;

    return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ee);
}


static size_t
request_print(char *buf, size_t size, char **argv)
{
    int   n;
    char  json[512];

    n = snprintf(json, sizeof(json),
                 "{\"model\":\"%s\",\"stream\":true,\"max_tokens\":1000,"
                 "\"messages\":[{"
                 "\"role\":\"user\",\"content\":\"Tell me a long story about "
                 "a gateway, its keepers, and those who pass.\"}]}", argv[5]);

    return snprintf(buf, size,
                    "POST %s HTTP/1.1\r\n"
                    "Host: bench\r\n"
                    "Authorization: Bearer %s\r\n"
                    "Content-Type: application/json\r\n"
                    "Content-Length: %d\r\n"
                    "\r\n%s", argv[3], argv[4], n, json);
}


/* whether a request that comes behind all others was answered */

static int
last_asked(int port)
{
    int                fd, n;
    char               buf[512];

    static const char  request[] = "GET /last HTTP/1.0\r\n\r\n";

    fd = dial(port);

    if (fd == -1
        || send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == -1)
    {
        return 0;
    }

    n = recv(fd, buf, sizeof(buf), 0);
    close(fd);

    return n > 0;
}


int
main(int argc, char **argv)
{
    int                  i, n, epfd, idle, queued, got, timeout;
    char                 request[2048];
    size_t               len;
    stream_t            *streams;
    uint64_t             begin, last, ramp;
    unsigned             count, opened;
    struct epoll_event   events[MAX_EVENTS];

    if (argc != 8 || atoi(argv[6]) < 1) {
        fprintf(stderr, "usage: load stream|idle|queued PORT PATH KEY MODEL "
                        "STREAMS RAMP_MS\n");
        return 2;
    }

    queued = strcmp(argv[1], "queued") == 0;
    idle = queued || strcmp(argv[1], "idle") == 0;
    count = atoi(argv[6]);
    ramp = (uint64_t) atoi(argv[7]) * 1000000;
    len = request_print(request, sizeof(request), argv);

    signal(SIGPIPE, SIG_IGN);

    epfd = epoll_create1(0);
    streams = calloc(count, sizeof(stream_t));

    if (epfd == -1 || streams == NULL) {
        perror("load");
        return 1;
    }

    begin = now();
    last = begin;
    opened = 0;

    while (ended < count && (!idle || started < count)) {

        while (opened < count && now() - begin >= ramp / count * opened) {

            if (stream_open(&streams[opened], epfd, atoi(argv[2]), request,
                            len) == -1)
            {
                perror("load");
                return 1;
            }

            opened++;
        }

        if (queued && opened == count) {
            started = last_asked(atoi(argv[2])) ? count : 0;
            break;
        }

        timeout = opened < count ? 1 : 100;
        got = 0;
        n = epoll_wait(epfd, events, MAX_EVENTS, timeout);

        for (i = 0; i < n; i++) {
            stream_read(events[i].data.ptr);
            got = 1;
        }

        if (got || opened < count) {
            last = now();

        } else if (now() - last > (uint64_t) STALL_MS * 1000000) {
            failed += count - ended;
            break;
        }
    }

    if (idle) {
        printf("%u\n", started - failed);
        fflush(stdout);

        while (read(STDIN_FILENO, request, sizeof(request)) > 0) {
            /* void */
        }

        return started < count;
    }

    printf("%u %llu %u %u %u %u %u\n", count, (unsigned long long) total,
           failed, samples_at(&first, 50), samples_at(&first, 99),
           samples_at(&way, 50), samples_at(&way, 99));

    return failed != 0;
}
