
/*
 * One connection to one server: what is sent and read.
 */


#include "ngx_llm_redis_state.h"


/* how often Redis may close an idle connection, milliseconds */
#define NGX_LLM_REDIS_RENEW      1000

/* bytes: of what is read at once, that waits to be sent, of one reply */
#define NGX_LLM_REDIS_READ       16384
#define NGX_LLM_REDIS_OUT        4096
#define NGX_LLM_REDIS_OUT_MAX    (8 * 1024 * 1024)
#define NGX_LLM_REDIS_REPLY_MAX  (4 * 1024 * 1024)


static void ngx_llm_redis_node_closed(ngx_llm_redis_node_t *node);
static const char *ngx_llm_redis_node_replies(ngx_llm_redis_node_t *node,
    ngx_connection_t *c);
static void ngx_llm_redis_node_reply(ngx_llm_redis_node_t *node,
    redisReply *reply);
static void ngx_llm_redis_node_ready(ngx_llm_redis_node_t *node);
static void ngx_llm_redis_node_write_handler(ngx_event_t *wev);
static void ngx_llm_redis_node_settle(ngx_llm_redis_node_t *node);


/*
 * Also how nginx tells an idle connection that the worker ends.  It is read to
 * the end, since the next event comes with new bytes only.
 */

void
ngx_llm_redis_node_read_handler(ngx_event_t *rev)
{
    ssize_t                n;
    const char            *reason;
    ngx_connection_t      *c;
    ngx_llm_redis_node_t  *node;
    static u_char          buf[NGX_LLM_REDIS_READ];

    c = rev->data;
    node = c->data;

    if (c->close) {
        ngx_llm_redis_node_close(node, NULL);
        return;
    }

    if (node->state < NGX_LLM_REDIS_SETUP) {
        return;
    }

    for ( ;; ) {
        n = c->recv(c, buf, NGX_LLM_REDIS_READ);

        if (n == NGX_AGAIN) {
            if (ngx_handle_read_event(rev, 0) != NGX_OK) {
                ngx_llm_redis_node_close(node, "no event");
                return;
            }

            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_llm_redis_node_closed(node);
            return;
        }

        node->unread += n;

        if (redisReaderFeed(node->reader, (char *) buf, (size_t) n)
            != REDIS_OK)
        {
            ngx_llm_redis_node_close(node, "no memory");
            return;
        }

        reason = ngx_llm_redis_node_replies(node, c);

        if (node->connection != c) {
            return;
        }

        if (reason) {
            ngx_llm_redis_node_close(node, reason);
            return;
        }
    }

    ngx_llm_redis_node_settle(node);
}


/*
 * By Redis, which does so to idle clients too, where it has a "timeout": that
 * is no failure, unless it does so again and again.
 */

static void
ngx_llm_redis_node_closed(ngx_llm_redis_node_t *node)
{
    if (node->state != NGX_LLM_REDIS_READY
        || node->npending
        || node->fails
        || ngx_current_msec - node->renewed < NGX_LLM_REDIS_RENEW)
    {
        ngx_llm_redis_node_close(node, "connection was closed");
        return;
    }

    node->renewed = ngx_current_msec;

    ngx_llm_redis_node_close(node, NULL);

    if (!ngx_exiting && !node->sentinel) {
        ngx_llm_redis_node_connect(node);
    }
}


/*
 * Takes the replies that are complete.  A handler may send commands; only a
 * reply that says so closes the connection, in which case NULL is returned
 * and node->connection is another.
 */

static const char *
ngx_llm_redis_node_replies(ngx_llm_redis_node_t *node, ngx_connection_t *c)
{
    void        *reply;
    const char  *reason;

    for ( ;; ) {

        if (redisReaderGetReply(node->reader, &reply) != REDIS_OK) {
            ngx_log_error(NGX_LOG_ERR, &node->log, 0,
                          "invalid reply of redis: %s", node->reader->errstr);
            return "invalid reply";
        }

        if (reply == NULL) {
            return node->unread > NGX_LLM_REDIS_REPLY_MAX
                   ? "too long a reply" : NULL;
        }

        node->unread = 0;
        reason = NULL;

        if (node->state == NGX_LLM_REDIS_SETUP) {
            reason = ngx_llm_redis_setup_reply(node, reply);

            if (reason == NULL && node->setup == NGX_LLM_REDIS_SETUP_DONE) {
                ngx_llm_redis_node_ready(node);
            }

        } else if (node->skip) {
            node->skip--;

        } else if (ngx_queue_empty(&node->sent)) {
            reason = "a reply to nothing";

        } else {
            ngx_llm_redis_node_reply(node, reply);
        }

        freeReplyObject(reply);

        if (reason || node->connection != c) {
            return reason;
        }
    }
}


static void
ngx_llm_redis_node_reply(ngx_llm_redis_node_t *node, redisReply *reply)
{
    ngx_queue_t              *q;
    ngx_llm_redis_command_t  *cmd, *next;

    q = ngx_queue_head(&node->sent);
    cmd = ngx_queue_data(q, ngx_llm_redis_command_t, queue);

    ngx_queue_remove(q);
    node->npending--;

    if (!ngx_queue_empty(&node->sent)) {
        q = ngx_queue_head(&node->sent);
        next = ngx_queue_data(q, ngx_llm_redis_command_t, queue);

        if (next->asking) {
            node->skip = 1;
        }
    }

    ngx_llm_redis_replied(node, cmd, reply);
}


static void
ngx_llm_redis_node_ready(ngx_llm_redis_node_t *node)
{
    ngx_llm_redis_t  *redis;

    redis = node->redis;

    node->state = NGX_LLM_REDIS_READY;
    node->log.action = "talking to redis";

    if (node->told) {
        node->told = 0;
        ngx_log_error(NGX_LOG_NOTICE, &node->log, 0, "redis is back");
    }

    if (!ngx_queue_empty(&node->waiting) && !node->flush.posted) {
        ngx_post_event(&node->flush, &ngx_posted_events);
    }

    if (node->sentinel) {
        return;
    }

    if (redis->conf->cluster) {
        ngx_llm_redis_cluster_learn(redis);
    }

    if (redis->ready) {
        redis->ready(redis->data);
    }
}


ngx_int_t
ngx_llm_redis_node_out(ngx_llm_redis_node_t *node, const char *text,
    size_t len)
{
    size_t   size, used;
    u_char  *p;

    if (node->size - node->last < len) {

        used = node->last - node->pos;
        size = node->size ? node->size : NGX_LLM_REDIS_OUT;

        while (size < used + len) {
            size *= 2;
        }

        if (size > NGX_LLM_REDIS_OUT_MAX) {
            return NGX_ERROR;
        }

        p = ngx_alloc(size, &node->log);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (node->out) {
            ngx_memcpy(p, node->out + node->pos, used);
            ngx_free(node->out);
        }

        node->out = p;
        node->size = size;
        node->pos = 0;
        node->last = used;
    }

    ngx_memcpy(node->out + node->last, text, len);
    node->last += len;

    return NGX_OK;
}


void
ngx_llm_redis_node_flush_handler(ngx_event_t *ev)
{
    ngx_queue_t              *q;
    ngx_llm_redis_node_t     *node;
    ngx_llm_redis_command_t  *cmd;

    node = ev->data;

    while (node->state == NGX_LLM_REDIS_READY
           && !ngx_queue_empty(&node->waiting))
    {
        q = ngx_queue_head(&node->waiting);
        cmd = ngx_queue_data(q, ngx_llm_redis_command_t, queue);

        if ((cmd->asking
             && ngx_llm_redis_node_out(node, "*1\r\n$6\r\nASKING\r\n", 16)
                != NGX_OK)
            || ngx_llm_redis_node_out(node, cmd->text, cmd->len) != NGX_OK)
        {
            ngx_llm_redis_node_close(node, "too much to send");
            return;
        }

        if (cmd->asking && ngx_queue_empty(&node->sent)) {
            node->skip = 1;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&node->sent, q);
    }

    ngx_llm_redis_node_flush(node);
}


static void
ngx_llm_redis_node_write_handler(ngx_event_t *wev)
{
    ngx_connection_t  *c;

    c = wev->data;

    ngx_llm_redis_node_flush(c->data);
}


void
ngx_llm_redis_node_flush(ngx_llm_redis_node_t *node)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = node->connection;

    if (c == NULL || node->state < NGX_LLM_REDIS_SETUP) {
        return;
    }

    c->write->handler = ngx_llm_redis_node_write_handler;

    while (node->pos < node->last) {

        n = c->send(c, node->out + node->pos, node->last - node->pos);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_llm_redis_node_close(node, "connection was closed");
            return;
        }

        node->pos += n;
    }

    if (node->pos == node->last) {

        if (node->state == NGX_LLM_REDIS_SETUP) {
            ngx_explicit_memzero(node->out, node->last);
        }

        node->pos = 0;
        node->last = 0;

        if (node->size > 16 * NGX_LLM_REDIS_OUT) {
            ngx_free(node->out);
            node->out = NULL;
            node->size = 0;
        }
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_llm_redis_node_close(node, "no event");
    }
}


/* after replies: what the timer waits for, and whether anybody waits at all */

static void
ngx_llm_redis_node_settle(ngx_llm_redis_node_t *node)
{
    if (node->state != NGX_LLM_REDIS_READY) {
        return;
    }

    if (node->npending) {
        return;
    }

    if (node->timer.timer_set) {
        ngx_del_timer(&node->timer);
    }

    if (ngx_exiting) {
        ngx_llm_redis_node_close(node, NULL);
        return;
    }

    node->connection->idle = 1;
}
