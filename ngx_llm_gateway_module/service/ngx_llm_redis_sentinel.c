
/*
 * Sentinel: who the master is, asked anew for each connection to it.
 */


#include "ngx_llm_redis_state.h"


static void ngx_llm_redis_sentinel_handler(void *data, ngx_int_t rc,
    redisReply *reply);
static ngx_int_t ngx_llm_redis_sentinel_address(ngx_llm_redis_node_t *node,
    redisReply *reply);


ngx_int_t
ngx_llm_redis_sentinel_init(ngx_llm_redis_t *redis, ngx_cycle_t *cycle)
{
    ngx_addr_t            *addr;
    ngx_uint_t             i;
    ngx_llm_redis_conf_t  *conf;
    ngx_llm_redis_node_t  *node;

    conf = redis->conf;
    addr = conf->addrs.elts;

    redis->sentinels = ngx_pcalloc(cycle->pool, conf->addrs.nelts
                                             * sizeof(ngx_llm_redis_node_t *));
    if (redis->sentinels == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->addrs.nelts; i++) {

        node = ngx_llm_redis_node_create(redis, addr[i].sockaddr,
                                         addr[i].socklen);
        if (node == NULL) {
            return NGX_ERROR;
        }

        node->sentinel = 1;
        node->seed = 1;

        redis->sentinels[i] = node;
        redis->nsentinels++;
    }

    /* the master, whose address is not known yet */

    node = ngx_llm_redis_node_create(redis, NULL, 0);
    if (node == NULL) {
        return NGX_ERROR;
    }

    node->seed = 1;
    node->name = conf->sentinel;

    redis->nodes[0] = node;
    redis->nnodes = 1;

    return NGX_OK;
}


/*
 * The node's timer bounds question and connection together; where it fires, or
 * the sentinel fails, the node's back-off brings it here again, and the next
 * sentinel is asked.
 */

void
ngx_llm_redis_sentinel_ask(ngx_llm_redis_node_t *node)
{
    ngx_str_t              argv[3];
    ngx_llm_redis_t       *redis;
    ngx_llm_redis_node_t  *sentinel;

    redis = node->redis;

    node->state = NGX_LLM_REDIS_ASKING;
    node->log.action = "asking sentinel";

    sentinel = redis->sentinels[redis->next++ % redis->nsentinels];

    if (redis->question) {
        ngx_llm_redis_forget(redis->question);
    }

    ngx_str_set(&argv[0], "SENTINEL");
    ngx_str_set(&argv[1], "get-master-addr-by-name");
    argv[2] = redis->conf->sentinel;

    redis->question = ngx_llm_redis_create(redis, argv, 3,
                                           ngx_llm_redis_sentinel_handler,
                                           node);
    if (redis->question == NULL) {
        ngx_llm_redis_node_close(node, "no memory");
        return;
    }

    /* what the last answer was is of no account */

    ngx_llm_redis_node_close(sentinel, NULL);

    if (ngx_llm_redis_node_push(sentinel, redis->question) != NGX_OK) {
        redis->question->handler = NULL;
        ngx_llm_redis_end(redis->question, NGX_DECLINED, NULL);
        redis->question = NULL;

        ngx_llm_redis_node_close(node, "sentinel cannot be asked");
    }
}


static void
ngx_llm_redis_sentinel_handler(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_llm_redis_node_t *node = data;

    node->redis->question = NULL;

    if (node->state != NGX_LLM_REDIS_ASKING) {
        return;
    }

    if (rc != NGX_OK) {
        ngx_llm_redis_node_close(node, "sentinel did not answer");
        return;
    }

    if (ngx_llm_redis_sentinel_address(node, reply) != NGX_OK) {
        ngx_llm_redis_node_close(node, "sentinel knows no such master");
        return;
    }

    ngx_llm_redis_node_open(node);
}


static ngx_int_t
ngx_llm_redis_sentinel_address(ngx_llm_redis_node_t *node, redisReply *reply)
{
    redisReply  *host, *port;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return NGX_DECLINED;
    }

    host = reply->element[0];
    port = reply->element[1];

    if (host->type != REDIS_REPLY_STRING || port->type != REDIS_REPLY_STRING) {
        return NGX_DECLINED;
    }

    return ngx_llm_redis_node_resolve(node, (u_char *) host->str,
                                      (size_t) host->len,
                                      ngx_atoi((u_char *) port->str,
                                               (size_t) port->len));
}
