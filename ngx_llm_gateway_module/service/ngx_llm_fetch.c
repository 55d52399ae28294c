
#include "ngx_llm_fetch.h"
#include "ngx_llm_tls.h"

#include <ngx_event_connect.h>


/* the head, where it is all that counts */
#define NGX_LLM_FETCH_HEAD    4096

/* what is read behind it before the connection is closed */
#define NGX_LLM_FETCH_DRAIN   65536

/* "HTTP/1.1 200 " */
#define NGX_LLM_FETCH_LINE    13


/*
 *   start -> connecting -> [handshaking] -> sending -> reading
 *         -> draining -> closed
 *
 * The answer is told between reading and draining; before it any failure, the
 * timer's included, is one.
 */

struct ngx_llm_fetch_s {
    ngx_llm_fetch_handler_pt   handler;
    void                      *data;
    ngx_llm_fetch_conf_t      *conf;

    ngx_connection_t          *connection;    /* NULL: nothing under way */
    ngx_event_t                timer;
    ngx_log_t                  log;

    size_t                     sent;
    size_t                     received;
    size_t                     drained;
    unsigned                   judged:1;

    u_char                    *buf;           /* of the connection's pool */
    size_t                     size;
};


static void ngx_llm_fetch_wait_handler(ngx_event_t *ev);
static void ngx_llm_fetch_connect_handler(ngx_event_t *wev);
static void ngx_llm_fetch_connected(ngx_llm_fetch_t *fetch);
static void ngx_llm_fetch_tls(ngx_llm_fetch_t *fetch);
static void ngx_llm_fetch_tls_handler(ngx_connection_t *c);
static void ngx_llm_fetch_send_handler(ngx_event_t *wev);
static void ngx_llm_fetch_send(ngx_llm_fetch_t *fetch);
static void ngx_llm_fetch_read_handler(ngx_event_t *rev);
static ssize_t ngx_llm_fetch_recv(ngx_llm_fetch_t *fetch);
static ngx_int_t ngx_llm_fetch_parse(ngx_llm_fetch_t *fetch, ngx_uint_t eof,
    ngx_uint_t *status, ngx_str_t *body);
static ngx_int_t ngx_llm_fetch_length(u_char *p, u_char *last);
static u_char *ngx_llm_fetch_head_end(u_char *p, u_char *last);
static void ngx_llm_fetch_timer_handler(ngx_event_t *ev);
static void ngx_llm_fetch_failed(ngx_llm_fetch_t *fetch,
    const char *reason);


ngx_llm_fetch_t *
ngx_llm_fetch_create(ngx_pool_t *pool, ngx_log_t *log,
    ngx_llm_fetch_handler_pt handler, void *data)
{
    ngx_llm_fetch_t  *fetch;

    fetch = ngx_pcalloc(pool, sizeof(ngx_llm_fetch_t));
    if (fetch == NULL) {
        return NULL;
    }

    fetch->handler = handler;
    fetch->data = data;
    fetch->log = *log;

    fetch->timer.handler = ngx_llm_fetch_timer_handler;
    fetch->timer.data = fetch;
    fetch->timer.log = &fetch->log;
    fetch->timer.cancelable = 1;

    return fetch;
}


ngx_uint_t
ngx_llm_fetch_busy(ngx_llm_fetch_t *fetch)
{
    return fetch->connection && !fetch->judged;
}


ngx_int_t
ngx_llm_fetch_start(ngx_llm_fetch_t *fetch, ngx_llm_fetch_conf_t *conf)
{
    ngx_int_t               rc;
    ngx_connection_t       *c;
    ngx_peer_connection_t   pc;

    /* the rest of the last answer is awaited no longer */

    ngx_llm_fetch_stop(fetch);

    fetch->conf = conf;
    fetch->sent = 0;
    fetch->received = 0;
    fetch->drained = 0;
    fetch->judged = 0;
    fetch->log.connection = 0;
    fetch->log.action = "connecting to ask";

    ngx_memzero(&pc, sizeof(ngx_peer_connection_t));

    pc.sockaddr = conf->sockaddr;
    pc.socklen = conf->socklen;
    pc.name = conf->peer;
    pc.get = ngx_event_get_peer;
    pc.log = &fetch->log;
    pc.log_error = NGX_ERROR_INFO;

    rc = ngx_event_connect_peer(&pc);

    if (rc == NGX_DECLINED) {
        ngx_llm_fetch_failed(fetch, "connection failed");
        return NGX_OK;
    }

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        return NGX_ERROR;
    }

    c = pc.connection;

    fetch->connection = c;
    fetch->log.connection = c->number;

    c->data = fetch;
    c->read->handler = ngx_llm_fetch_wait_handler;
    c->write->handler = ngx_llm_fetch_connect_handler;

    /* TLS shutdown may leave a timer there */

    c->read->cancelable = 1;

    c->pool = ngx_create_pool(1024, &fetch->log);
    if (c->pool == NULL) {
        ngx_llm_fetch_stop(fetch);
        return NGX_ERROR;
    }

    fetch->size = conf->gather ? NGX_LLM_FETCH_MAX : NGX_LLM_FETCH_HEAD;

    fetch->buf = ngx_palloc(c->pool, fetch->size);
    if (fetch->buf == NULL) {
        ngx_llm_fetch_stop(fetch);
        return NGX_ERROR;
    }

    ngx_add_timer(&fetch->timer, conf->connect_timeout);

    if (rc == NGX_OK) {
        ngx_llm_fetch_connected(fetch);
    }

    return NGX_OK;
}


/* nothing is expected; a worker that is to end says so in this way */

static void
ngx_llm_fetch_wait_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    if (c->close) {
        ngx_llm_fetch_stop(c->data);
    }
}


static void
ngx_llm_fetch_connect_handler(ngx_event_t *wev)
{
    int                err;
    socklen_t          len;
    ngx_connection_t  *c;
    ngx_llm_fetch_t   *fetch;

    c = wev->data;
    fetch = c->data;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_log_error(NGX_LOG_INFO, c->log, err, "connect() failed");
        ngx_llm_fetch_failed(fetch, "connection failed");
        return;
    }

    ngx_llm_fetch_connected(fetch);
}


static void
ngx_llm_fetch_connected(ngx_llm_fetch_t *fetch)
{
    if (fetch->conf->ssl) {
        ngx_llm_fetch_tls(fetch);
        return;
    }

    ngx_llm_fetch_send(fetch);
}


static void
ngx_llm_fetch_tls(ngx_llm_fetch_t *fetch)
{
    ngx_connection_t  *c;

    c = fetch->connection;

    fetch->log.action = "SSL handshaking to ask";

    if (ngx_ssl_create_connection(fetch->conf->ssl, c, NGX_SSL_CLIENT)
        != NGX_OK
        || ngx_llm_tls_server_name(c, &fetch->conf->server_name) != NGX_OK)
    {
        ngx_llm_fetch_failed(fetch, "TLS could not be set up");
        return;
    }

    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        ngx_add_timer(&fetch->timer, fetch->conf->connect_timeout);

        c->ssl->handler = ngx_llm_fetch_tls_handler;
        return;
    }

    ngx_llm_fetch_tls_handler(c);
}


static void
ngx_llm_fetch_tls_handler(ngx_connection_t *c)
{
    const char       *reason;
    ngx_llm_fetch_t  *fetch;

    fetch = c->data;

    if (!c->ssl->handshaked) {
        ngx_llm_fetch_failed(fetch, "TLS handshake failed");
        return;
    }

    if (fetch->conf->verify) {

        reason = ngx_llm_tls_verify(c, &fetch->conf->server_name);

        if (reason) {
            ngx_llm_fetch_failed(fetch, reason);
            return;
        }
    }

    ngx_llm_fetch_send(fetch);
}


static void
ngx_llm_fetch_send_handler(ngx_event_t *wev)
{
    ngx_connection_t  *c;

    c = wev->data;

    ngx_llm_fetch_send(c->data);
}


static void
ngx_llm_fetch_send(ngx_llm_fetch_t *fetch)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = fetch->connection;

    fetch->log.action = "sending a question";

    c->read->handler = ngx_llm_fetch_wait_handler;
    c->write->handler = ngx_llm_fetch_send_handler;

    if (fetch->sent == 0) {
        ngx_add_timer(&fetch->timer, fetch->conf->timeout);
    }

    while (fetch->sent < fetch->conf->request.len) {

        n = c->send(c, fetch->conf->request.data + fetch->sent,
                    fetch->conf->request.len - fetch->sent);

        if (n == NGX_AGAIN) {
            if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
                ngx_llm_fetch_failed(fetch, "its socket cannot be watched");
            }

            return;
        }

        if (n <= 0) {
            ngx_llm_fetch_failed(fetch, "connection was closed");
            return;
        }

        fetch->sent += n;
    }

    fetch->log.action = "reading the answer to a question";

    c->read->handler = ngx_llm_fetch_read_handler;
    c->write->handler = ngx_llm_fetch_wait_handler;

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_llm_fetch_failed(fetch, "its socket cannot be watched");
        return;
    }

    ngx_llm_fetch_read_handler(c->read);
}


static void
ngx_llm_fetch_read_handler(ngx_event_t *rev)
{
    ssize_t            n;
    ngx_int_t          rc;
    ngx_str_t          body;
    ngx_uint_t         status;
    ngx_connection_t  *c;
    ngx_llm_fetch_t   *fetch;

    c = rev->data;
    fetch = c->data;

    if (c->close) {
        ngx_llm_fetch_stop(fetch);
        return;
    }

    for ( ;; ) {
        n = ngx_llm_fetch_recv(fetch);

        if (n == NGX_AGAIN) {
            if (ngx_handle_read_event(rev, 0) != NGX_OK) {
                ngx_llm_fetch_failed(fetch, "its socket cannot be watched");
            }

            return;
        }

        if (fetch->judged) {

            if (n <= 0 || fetch->drained >= NGX_LLM_FETCH_DRAIN) {
                ngx_llm_fetch_stop(fetch);
                return;
            }

            continue;
        }

        rc = ngx_llm_fetch_parse(fetch, n <= 0, &status, &body);

        if (rc == NGX_DECLINED) {
            ngx_llm_fetch_failed(fetch, "answer is not HTTP");
            return;
        }

        if (rc == NGX_AGAIN) {

            if (n <= 0) {
                ngx_llm_fetch_failed(fetch, "connection was closed");
                return;
            }

            if (fetch->received == fetch->size) {
                ngx_llm_fetch_failed(fetch, "answer is too large");
                return;
            }

            continue;
        }

        fetch->judged = 1;

        fetch->handler(fetch->data, status, &body, NULL);

        if (fetch->connection != c) {

            /* the handler started another one, or stopped this */

            return;
        }

        if (n <= 0 || fetch->conf->gather) {
            ngx_llm_fetch_stop(fetch);
            return;
        }
    }
}


static ssize_t
ngx_llm_fetch_recv(ngx_llm_fetch_t *fetch)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = fetch->connection;

    /* the memory serves what nobody reads too */

    if (fetch->judged) {
        n = c->recv(c, fetch->buf, fetch->size);

        if (n > 0) {
            fetch->drained += n;
        }

        return n;
    }

    n = c->recv(c, fetch->buf + fetch->received,
                fetch->size - fetch->received);

    if (n > 0) {
        fetch->received += n;
    }

    return n;
}


/*
 * The first status that is not of an interim answer, and what stands behind
 * its head, if that is wanted: to the end that the server told, or to that of
 * the connection.
 */

static ngx_int_t
ngx_llm_fetch_parse(ngx_llm_fetch_t *fetch, ngx_uint_t eof, ngx_uint_t *status,
    ngx_str_t *body)
{
    u_char     *p, *head, *last;
    ngx_int_t   n;

    ngx_str_null(body);

    p = fetch->buf;
    last = p + fetch->received;

    while (p && last - p >= NGX_LLM_FETCH_LINE) {

        if (ngx_strncmp(p, "HTTP/1.", sizeof("HTTP/1.") - 1) != 0
            || p[7] < '0' || p[7] > '9'
            || p[8] != ' '
            || (p[12] != ' ' && p[12] != CR && p[12] != LF))
        {
            return NGX_DECLINED;
        }

        n = ngx_atoi(p + 9, 3);

        if (n < 100 || n > 599) {
            return NGX_DECLINED;
        }

        if (n < 200) {
            p = ngx_llm_fetch_head_end(p, last);
            continue;
        }

        *status = n;

        if (!fetch->conf->gather) {
            return NGX_OK;
        }

        head = p;
        p = ngx_llm_fetch_head_end(p, last);

        if (p == NULL) {
            return NGX_AGAIN;
        }

        body->data = p;
        body->len = last - p;

        n = ngx_llm_fetch_length(head, p);

        return (eof || (n >= 0 && body->len >= (size_t) n)) ? NGX_OK
                                                            : NGX_AGAIN;
    }

    return (!fetch->conf->gather && fetch->received == fetch->size)
           ? NGX_DECLINED : NGX_AGAIN;
}


/* Content-Length of a head, or -1 */

static ngx_int_t
ngx_llm_fetch_length(u_char *p, u_char *last)
{
    u_char  *value;

    p = ngx_strlcasestrn(p, last, (u_char *) "\ncontent-length:",
                         sizeof("\ncontent-length:") - 1 - 1);
    if (p == NULL) {
        return -1;
    }

    p += sizeof("\ncontent-length:") - 1;

    while (p < last && *p == ' ') {
        p++;
    }

    value = p;

    while (p < last && *p >= '0' && *p <= '9') {
        p++;
    }

    return ngx_atoi(value, p - value);
}


static u_char *
ngx_llm_fetch_head_end(u_char *p, u_char *last)
{
    u_char  *lf;

    for ( ;; ) {
        lf = ngx_strlchr(p, last, LF);
        if (lf == NULL) {
            return NULL;
        }

        p = lf + 1;

        if (p < last && *p == CR) {
            p++;
        }

        if (p < last && *p == LF) {
            return p + 1;
        }
    }
}


static void
ngx_llm_fetch_timer_handler(ngx_event_t *ev)
{
    ngx_llm_fetch_t  *fetch;

    fetch = ev->data;

    ngx_llm_fetch_failed(fetch, "it timed out");
}


static void
ngx_llm_fetch_failed(ngx_llm_fetch_t *fetch, const char *reason)
{
    ngx_str_t   none;
    ngx_uint_t  judged;

    judged = fetch->judged;

    ngx_llm_fetch_stop(fetch);

    if (judged) {

        /* the answer was told */

        return;
    }

    ngx_str_null(&none);

    fetch->handler(fetch->data, 0, &none, reason);
}


void
ngx_llm_fetch_stop(ngx_llm_fetch_t *fetch)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    if (fetch->timer.timer_set) {
        ngx_del_timer(&fetch->timer);
    }

    c = fetch->connection;

    if (c == NULL) {
        return;
    }

    fetch->connection = NULL;

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {

            /* there is no room for the farewell: do without it */

            c->timedout = 1;
            (void) ngx_ssl_shutdown(c);
        }
    }

    pool = c->pool;

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }
}
