
/*
 * A provider to measure against: answers on loopback as a chat API does, at
 * next to no cost of its own.
 *
 *     POST /unary...   1 kB of JSON, once the whole request has come
 *     POST /stream...  CHUNKS events, one each GAP_MS
 *     POST /idle...    one event, then nothing until the client leaves
 *
 * as OpenAI's chat API does, and with "claude-" before the path's first word
 * as Anthropic's Messages API.
 *
 * The text of an event is the time at which it was written, on the clock that
 * bench/load.c reads, so that it can tell how long the way through took.
 */


#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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


#define HEAD_SIZE    8192
#define BODY_SIZE    262144


typedef enum {
    CONN_HEAD = 0,      /* reading a request's head */
    CONN_BODY,          /* reading and forgetting its body */
    CONN_STREAM,        /* in the queue of streams */
    CONN_IDLE           /* will send no more */
} conn_state_e;


typedef struct conn_s  conn_t;

struct conn_s {
    sock_t         sock;
    conn_state_e   state;
    size_t         used;         /* bytes in head[] */
    uint64_t       rest;         /* bytes of the body still to come */
    unsigned       sent;         /* events sent */
    char           kind;         /* 'u', 's' or 'i': its word's first letter */
    char           claude;       /* the word is behind "claude-" */
    uint64_t       due;          /* time of the next event, ns */
    conn_t        *prev;         /* queue of streams, by due: all wait */
    conn_t        *next;         /* equally long, so it is in order */
    char           head[HEAD_SIZE];
};


static conn_t     queue;         /* its sentinel */
static int        epfd;
static unsigned   nchunks;
static uint64_t   gap;           /* ns */

static char       body[BODY_SIZE];
static char       unary[2][2048];    /* chat, Messages */
static size_t     unary_len[2];

static const char  stream_head[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/event-stream\r\n"
    "Cache-Control: no-cache\r\n"
    "Transfer-Encoding: chunked\r\n"
    "\r\n";

#define EVENT_START                                                           \
    "data: {\"id\":\"chatcmpl-D8EA5nZ0hOZP7LH1T8J9NNIiYa8n1\","               \
    "\"object\":\"chat.completion.chunk\",\"created\":1767225600,"            \
    "\"model\":\"bench-model-1\",\"system_fingerprint\":\"fp_44709d6fcb\","

#define CLAUDE_START                                                          \
    "event: message_start\n"                                                  \
    "data: {\"type\":\"message_start\",\"message\":{\"id\":"                   \
    "\"msg_01XFDUDYJgAACzvnptvVoYEL\",\"type\":\"message\","                   \
    "\"role\":\"assistant\",\"model\":\"bench-model-1\",\"content\":[],"       \
    "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{"                 \
    "\"input_tokens\":250,\"cache_creation_input_tokens\":0,"                \
    "\"cache_read_input_tokens\":0,\"output_tokens\":1}}}\n\n"               \
    "event: content_block_start\n"                                            \
    "data: {\"type\":\"content_block_start\",\"index\":0,"                    \
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"


static void
unary_set(unsigned i, const char *text)
{
    unary_len[i] = snprintf(unary[i], sizeof(unary[i]),
                            "HTTP/1.1 200 OK\r\n"
                            "Content-Type: application/json\r\n"
                            "Content-Length: %zu\r\n"
                            "\r\n%s", strlen(text), text);
}


static void
unary_init(void)
{
    char  text[1200], pad[512];

    memset(pad, 'x', sizeof(pad));

    snprintf(text, sizeof(text),
             "{\"id\":\"chatcmpl-D8EA5nZ0hOZP7LH1T8J9NNIiYa8n1\","
             "\"object\":\"chat.completion\",\"created\":1767225600,"
             "\"model\":\"bench-model-1\",\"choices\":[{\"index\":0,"
             "\"message\":{\"role\":\"assistant\",\"content\":\"%.*s\","
             "\"refusal\":null,\"annotations\":[]},\"logprobs\":null,"
             "\"finish_reason\":\"stop\"}],\"usage\":{"
             "\"prompt_tokens\":250,\"completion_tokens\":130,"
             "\"total_tokens\":380,\"prompt_tokens_details\":{"
             "\"cached_tokens\":0,\"audio_tokens\":0},"
             "\"completion_tokens_details\":{\"reasoning_tokens\":64,"
             "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
             "\"rejected_prediction_tokens\":0}},"
             "\"service_tier\":\"default\"}", 400, pad);

    unary_set(0, text);

    snprintf(text, sizeof(text),
             "{\"id\":\"msg_01XFDUDYJgAACzvnptvVoYEL\","
             "\"type\":\"message\",\"role\":\"assistant\","
             "\"model\":\"bench-model-1\",\"content\":[{\"type\":\"text\","
             "\"text\":\"%.*s\"}],\"stop_reason\":\"end_turn\","
             "\"stop_sequence\":null,\"usage\":{\"input_tokens\":250,"
             "\"cache_creation_input_tokens\":0,"
             "\"cache_read_input_tokens\":0,\"cache_creation\":{"
             "\"ephemeral_5m_input_tokens\":0,"
             "\"ephemeral_1h_input_tokens\":0},\"output_tokens\":130,"
             "\"service_tier\":\"standard\"}}", 400, pad);

    unary_set(1, text);
}


static void
conn_dequeue(conn_t *c)
{
    if (c->next == NULL) {
        return;
    }

    c->prev->next = c->next;
    c->next->prev = c->prev;
    c->next = NULL;
}


static void
conn_enqueue(conn_t *c, uint64_t due)
{
    c->due = due;
    c->prev = queue.prev;
    c->next = &queue;
    queue.prev->next = c;
    queue.prev = c;
}


static void
conn_close(conn_t *c)
{
    conn_dequeue(c);
    close(c->sock.fd);
    free(c);
}


/* -1 if the socket does not take all of it: no reader of ours is that slow */

static int
conn_write(conn_t *c, const char *data, size_t len)
{
    ssize_t  n;

    n = send(c->sock.fd, data, len, MSG_NOSIGNAL);

    if (n == (ssize_t) len) {
        return 0;
    }

    if (n == -1 && (errno == EPIPE || errno == ECONNRESET)) {
        return -1;
    }

    fprintf(stderr, "provider: wrote %zd of %zu bytes\n", n, len);

    return -1;
}


/* one HTTP chunk with one event in it; a length of zero ends the body */

static size_t
chunk_print(char *p, const char *event, size_t len)
{
    size_t  n;

    n = sprintf(p, "%zx\r\n", len);
    memcpy(p + n, event, len);
    n += len;
    memcpy(p + n, "\r\n", 2);

    return n + 2;
}


static int
conn_event(conn_t *c)
{
    char         event[512], buf[640];
    size_t       n;
    const char  *format;

    format = c->claude
             ? "event: content_block_delta\n"
               "data: {\"type\":\"content_block_delta\",\"index\":0,"
               "\"delta\":{\"type\":\"text_delta\","
               "\"text\":\" t_%016llx\"}}\n\n"
             : EVENT_START
               "\"choices\":[{\"index\":0,\"delta\":{"
               "\"content\":\" t_%016llx\"},"
               "\"logprobs\":null,\"finish_reason\":null}]}\n\n";

    n = snprintf(event, sizeof(event), format, (unsigned long long) now());

    c->sent++;

    return conn_write(c, buf, chunk_print(buf, event, n));
}


static int
conn_start(conn_t *c)
{
    char    buf[2048];
    size_t  n;

    n = sizeof(stream_head) - 1;
    memcpy(buf, stream_head, n);

    if (c->claude) {
        n += chunk_print(buf + n, CLAUDE_START, sizeof(CLAUDE_START) - 1);
    }

    return conn_write(c, buf, n);
}


static int
conn_finish(conn_t *c)
{
    char    event[1024], buf[2048];
    size_t  n, len;

    if (c->claude) {
        n = snprintf(event, sizeof(event),
                     "event: content_block_stop\n"
                     "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
                     "event: message_delta\n"
                     "data: {\"type\":\"message_delta\",\"delta\":{"
                     "\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                     "\"usage\":{\"output_tokens\":%u}}\n\n"
                     "event: message_stop\n"
                     "data: {\"type\":\"message_stop\"}\n\n", nchunks);
        len = chunk_print(buf, event, n);

    } else {
        n = snprintf(event, sizeof(event), EVENT_START
                     "\"choices\":[{\"index\":0,\"delta\":{},"
                     "\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\n");
        len = chunk_print(buf, event, n);

        n = snprintf(event, sizeof(event), EVENT_START
                     "\"choices\":[],\"usage\":{\"prompt_tokens\":250,"
                     "\"completion_tokens\":%u,\"total_tokens\":%u}}\n\n"
                     "data: [DONE]\n\n", nchunks, nchunks + 250);
        len += chunk_print(buf + len, event, n);
    }

    len += chunk_print(buf + len, "", 0);

    return conn_write(c, buf, len);
}


/* the request is read: what its path asks for */

static int
conn_answer(conn_t *c)
{
    c->used = 0;
    c->sent = 0;

    if (c->kind == 'u') {
        c->state = CONN_HEAD;
        return conn_write(c, unary[(int) c->claude],
                          unary_len[(int) c->claude]);
    }

    if (conn_start(c) == -1 || conn_event(c) == -1) {
        return -1;
    }

    if (c->kind == 'i') {
        c->state = CONN_IDLE;
        return 0;
    }

    c->state = CONN_STREAM;
    conn_enqueue(c, now() + gap);

    return 0;
}


static int
conn_head(conn_t *c)
{
    char    *end, *p;
    size_t   extra;

    c->head[c->used] = '\0';

    end = strstr(c->head, "\r\n\r\n");
    if (end == NULL) {
        return c->used == HEAD_SIZE - 1 ? -1 : 0;
    }

    extra = c->used - (end + 4 - c->head);

    p = strchr(c->head, '/');
    if (p == NULL) {
        return -1;
    }

    c->claude = (strncmp(p + 1, "claude-", 7) == 0);
    c->kind = p[c->claude ? 8 : 1];

    if (strchr("usi", c->kind) == NULL) {
        return -1;
    }

    end[2] = '\0';

    p = strcasestr(c->head, "\r\ncontent-length:");
    c->rest = p ? strtoull(p + 17, NULL, 10) : 0;

    if (c->rest < extra) {
        return -1;
    }

    c->rest -= extra;
    c->state = CONN_BODY;

    return c->rest == 0 ? conn_answer(c) : 0;
}


static int
conn_read(conn_t *c)
{
    ssize_t  n;

    if (c->state == CONN_HEAD) {
        n = recv(c->sock.fd, c->head + c->used, HEAD_SIZE - 1 - c->used, 0);

    } else {
        n = recv(c->sock.fd, body, BODY_SIZE, 0);
    }

    if (n <= 0) {
        return (n == -1 && errno == EAGAIN) ? 0 : -1;
    }

    switch (c->state) {

    case CONN_HEAD:
        c->used += n;
        return conn_head(c);

    case CONN_BODY:
        if ((uint64_t) n > c->rest) {
            return -1;
        }

        c->rest -= n;
        return c->rest == 0 ? conn_answer(c) : 0;

    default:
        return -1;
    }
}


int
serve_run(void)
{
    int       rc;
    conn_t   *c;
    uint64_t  t;

    for ( ;; ) {
        c = queue.next;

        if (c == &queue) {
            return -1;
        }

        t = now();

        if (c->due > t) {
            return (c->due - t) / 1000000 + 1;
        }

        conn_dequeue(c);

        if (c->sent < nchunks) {
            rc = conn_event(c);

            if (rc == 0) {
                conn_enqueue(c, t + gap);
            }

        } else {
            rc = conn_finish(c);
            c->state = CONN_HEAD;
        }

        if (rc == -1) {
            conn_close(c);
        }
    }
}


static void
conn_ready(sock_t *s)
{
    if (conn_read((conn_t *) s) == -1) {
        conn_close((conn_t *) s);
    }
}


static void
listener_ready(sock_t *s)
{
    int                  fd, on;
    conn_t              *c;
    struct epoll_event   ee;

    for ( ;; ) {
        fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK);
        if (fd == -1) {
            return;
        }

        c = calloc(1, sizeof(conn_t));
        if (c == NULL) {
            close(fd);
            return;
        }

        on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

        c->sock.fd = fd;
        c->sock.ready = conn_ready;
        ee.events = EPOLLIN;
        ee.data.ptr = &c->sock;

        if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ee) == -1) {
            conn_close(c);
        }
    }
}


int
serve_open(int ep, int port, unsigned chunks, unsigned gap_ms)
{
    int                 fd, on;
    struct sockaddr_in  sin;
    struct epoll_event  ee;

    static sock_t       listener;

    epfd = ep;
    nchunks = chunks;
    gap = (uint64_t) gap_ms * 1000000;

    queue.next = &queue;
    queue.prev = &queue;

    unary_init();

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    on = 1;
    fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);

    if (fd == -1
        || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1
        || bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || listen(fd, 4096) == -1)
    {
        return -1;
    }

    listener.fd = fd;
    listener.ready = listener_ready;

    ee.events = EPOLLIN;
    ee.data.ptr = &listener;

    return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ee);
}
