
/*
 * A worker's connections to Redis, shared by the files that keep them.
 * Nobody else includes this.
 */


#ifndef _NGX_LLM_REDIS_STATE_H_INCLUDED_
#define _NGX_LLM_REDIS_STATE_H_INCLUDED_


#include "ngx_llm_redis.h"


#define NGX_LLM_REDIS_SLOTS      16384
#define NGX_LLM_REDIS_SLOT_ANY   NGX_LLM_REDIS_SLOTS
#define NGX_LLM_REDIS_NODES      128    /* of a cluster, at most */

/* "127.0.0.1:6379", "[::1]:6379", "unix:/path" */
#define NGX_LLM_REDIS_NAME       (NGX_SOCKADDR_STRLEN + 1)


typedef struct ngx_llm_redis_node_s  ngx_llm_redis_node_t;


/*
 *   CLOSED -> [ASKING] -> CONNECTING -> [TLS] -> SETUP -> READY
 *   any but CLOSED -> CLOSED    an error, a reply that is late, a node that is
 *                               no master; the worker ends
 *
 *   CLOSED      no connection; the retry timer is set, unless it ended in
 *               peace: then the next command connects
 *   ASKING      a sentinel is asked for the master's address
 *   SETUP       AUTH, SELECT, CLIENT SETNAME, PING and ROLE were sent
 *   READY       commands are sent as they come
 *
 * Commands are taken when READY; before that too, if the last connection did
 * not fail.
 */

typedef enum {
    NGX_LLM_REDIS_CLOSED = 0,
    NGX_LLM_REDIS_ASKING,
    NGX_LLM_REDIS_CONNECTING,
    NGX_LLM_REDIS_TLS,
    NGX_LLM_REDIS_SETUP,
    NGX_LLM_REDIS_READY
} ngx_llm_redis_state_e;


/* replies to expect during SETUP, in this order */

typedef enum {
    NGX_LLM_REDIS_SETUP_AUTH = 0,
    NGX_LLM_REDIS_SETUP_SELECT,
    NGX_LLM_REDIS_SETUP_NAME,
    NGX_LLM_REDIS_SETUP_PING,
    NGX_LLM_REDIS_SETUP_ROLE,
    NGX_LLM_REDIS_SETUP_DONE
} ngx_llm_redis_setup_e;


struct ngx_llm_redis_command_s {
    ngx_queue_t                  queue;
    ngx_llm_redis_t             *redis;
    ngx_llm_redis_handler_pt     handler;    /* NULL: nobody asks */
    void                        *data;
    ngx_llm_redis_script_t      *script;     /* NULL: no script */
    ngx_msec_t                   deadline;   /* ngx_current_msec */
    char                        *text;       /* of hiredis */
    size_t                       len;
    ngx_uint_t                   slot;
    ngx_uint_t                   redirects;
    unsigned                     asking:1;   /* ASKING goes before it */
    unsigned                     whole:1;    /* the script's text was sent */
};


struct ngx_llm_redis_node_s {
    ngx_llm_redis_t             *redis;
    ngx_llm_redis_state_e        state;
    ngx_connection_t            *connection;
    redisReader                 *reader;

    ngx_queue_t                  waiting;    /* not sent yet */
    ngx_queue_t                  sent;       /* in order of their replies */
    ngx_uint_t                   npending;   /* in both */
    ngx_uint_t                   skip;       /* replies to ASKING, awaited */

    u_char                      *out;        /* to be sent: pos .. last */
    size_t                       pos;
    size_t                       last;
    size_t                       size;
    size_t                       unread;     /* bytes of a reply that is not
                                                complete */

    ngx_event_t                  timer;      /* the head's deadline, or that
                                                of connecting */
    ngx_event_t                  retry;      /* back-off */
    ngx_event_t                  flush;      /* posted */
    ngx_msec_t                   deadline;   /* of connecting */
    ngx_msec_t                   renewed;    /* Redis closed it, being idle */
    ngx_uint_t                   fails;      /* in a row */
    ngx_llm_redis_setup_e        setup;      /* the reply that comes next */

    ngx_sockaddr_t               sockaddr;
    socklen_t                    socklen;
    ngx_str_t                    name;
    u_char                       text[NGX_LLM_REDIS_NAME];
    ngx_log_t                    log;

    unsigned                     sentinel:1; /* it is one, not a server */
    unsigned                     seed:1;     /* configured: never freed */
    unsigned                     used:1;     /* has slots */
    unsigned                     told:1;     /* its failure is logged */
};


struct ngx_llm_redis_s {
    ngx_llm_redis_conf_t        *conf;
    ngx_llm_redis_ready_pt       ready;
    void                        *data;
    ngx_log_t                   *log;

    /* without a cluster nodes[0] is the server; seeds come first */
    ngx_llm_redis_node_t        *nodes[NGX_LLM_REDIS_NODES];
    ngx_uint_t                   nnodes;

    /* of a cluster: index of the node + 1, 0: not known */
    u_char                      *slots;
    ngx_event_t                  learn;      /* the map is asked for again */
    ngx_llm_redis_node_t        *teacher;    /* whose reply is read */
    unsigned                     learning:1;
    unsigned                     asked:1;    /* before */

    /* sentinels, and the one that is asked next */
    ngx_llm_redis_node_t       **sentinels;
    ngx_uint_t                   nsentinels;
    ngx_uint_t                   next;
    ngx_llm_redis_command_t     *question;   /* to a sentinel */

    unsigned                     stopped:1;
};


/* ngx_llm_redis.c */

/* a command that is not queued yet; NULL without memory */
ngx_llm_redis_command_t *ngx_llm_redis_create(ngx_llm_redis_t *redis,
    ngx_str_t *argv, ngx_uint_t argc, ngx_llm_redis_handler_pt handler,
    void *data);
/* tells the command's handler, and frees it */
void ngx_llm_redis_end(ngx_llm_redis_command_t *cmd, ngx_int_t rc,
    redisReply *reply);
/* a reply to this command, which is in no queue any more */
void ngx_llm_redis_replied(ngx_llm_redis_node_t *node,
    ngx_llm_redis_command_t *cmd, redisReply *reply);


/* ngx_llm_redis_node.c */

ngx_llm_redis_node_t *ngx_llm_redis_node_create(ngx_llm_redis_t *redis,
    struct sockaddr *sockaddr, socklen_t socklen);
void ngx_llm_redis_node_free(ngx_llm_redis_node_t *node);
void ngx_llm_redis_node_address(ngx_llm_redis_node_t *node,
    struct sockaddr *sockaddr, socklen_t socklen);
/*
 * Takes an address as Redis tells it; no host: the one that the node has
 * already.  NGX_DECLINED: it is none.
 */
ngx_int_t ngx_llm_redis_node_resolve(ngx_llm_redis_node_t *node, u_char *host,
    size_t len, ngx_int_t port);
/* NGX_OK: queued; NGX_DECLINED: the node takes none now */
ngx_int_t ngx_llm_redis_node_push(ngx_llm_redis_node_t *node,
    ngx_llm_redis_command_t *cmd);
ngx_uint_t ngx_llm_redis_node_takes(ngx_llm_redis_node_t *node);
/* CLOSED: connects; of a master behind sentinels, asks them first */
void ngx_llm_redis_node_connect(ngx_llm_redis_node_t *node);
/* the address is known: CLOSED or ASKING to CONNECTING */
void ngx_llm_redis_node_open(ngx_llm_redis_node_t *node);
/*
 * Closes and tells all that waits; reason in words: a failure, that is backed
 * off from.  NULL: in peace.
 */
void ngx_llm_redis_node_close(ngx_llm_redis_node_t *node,
    const char *reason);


/* ngx_llm_redis_io.c */

/* appends to what is sent; NGX_ERROR without memory */
ngx_int_t ngx_llm_redis_node_out(ngx_llm_redis_node_t *node, const char *text,
    size_t len);
/* sends what there is, now or when the socket takes it */
void ngx_llm_redis_node_flush(ngx_llm_redis_node_t *node);
/* of the connection's read event, and of node->flush */
void ngx_llm_redis_node_read_handler(ngx_event_t *rev);
void ngx_llm_redis_node_flush_handler(ngx_event_t *ev);


/* ngx_llm_redis_setup.c */

/* TLS, or at once the set-up; the socket is connected */
void ngx_llm_redis_setup(ngx_llm_redis_node_t *node);
/* a reply during SETUP; NULL: go on, else why the node is of no use */
const char *ngx_llm_redis_setup_reply(ngx_llm_redis_node_t *node,
    redisReply *reply);


/* ngx_llm_redis_cluster.c */

ngx_int_t ngx_llm_redis_cluster_init(ngx_llm_redis_t *redis,
    ngx_cycle_t *cycle);
/* the slot of a key, by its hash tag if it has one */
ngx_uint_t ngx_llm_redis_cluster_slot(ngx_str_t *key);
/* the node of a slot; one that may know better where that is not known */
ngx_llm_redis_node_t *ngx_llm_redis_cluster_node(ngx_llm_redis_t *redis,
    ngx_uint_t slot);
/* asks for the map, soon */
void ngx_llm_redis_cluster_learn(ngx_llm_redis_t *redis);
/* follows "MOVED ..." and "ASK ..."; NGX_DECLINED: it leads nowhere */
ngx_int_t ngx_llm_redis_cluster_redirect(ngx_llm_redis_node_t *node,
    ngx_llm_redis_command_t *cmd, redisReply *reply);


/* ngx_llm_redis_sentinel.c */

ngx_int_t ngx_llm_redis_sentinel_init(ngx_llm_redis_t *redis,
    ngx_cycle_t *cycle);
/* asks the next sentinel for the master's address, then opens the node */
void ngx_llm_redis_sentinel_ask(ngx_llm_redis_node_t *node);


#endif /* _NGX_LLM_REDIS_STATE_H_INCLUDED_ */
