
/*
 * Redis from inside a worker: one pipelined connection that never blocks (of
 * a cluster, one for each node that is used).  hiredis formats commands and
 * reads replies; sockets, timers and TLS are nginx's.
 *
 * A slow Redis is a dead one: a reply that is late closes the connection.
 * While it is closed nobody waits for it: commands are refused at once, and
 * connecting again is tried with back-off.
 */


#ifndef _NGX_LLM_REDIS_H_INCLUDED_
#define _NGX_LLM_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <hiredis/hiredis.h>


/* commands that wait, for each connection; more are refused */
#define NGX_LLM_REDIS_PENDING  1024

/* that may be configured */
#define NGX_LLM_REDIS_ADDRS    32


typedef struct ngx_llm_redis_s          ngx_llm_redis_t;
typedef struct ngx_llm_redis_command_s  ngx_llm_redis_command_t;


/* what "llm_redis" says; memory of the configuration cycle */

typedef struct {
    ngx_array_t              addrs;      /* ngx_addr_t, at least one: of the
                                            server, seeds of a cluster, or
                                            sentinels */
    ngx_str_t                user;       /* empty: "default" */
    ngx_str_t                password;   /* empty: none is sent */
    ngx_uint_t               db;
    ngx_msec_t               timeout;    /* of a reply */
    ngx_uint_t               cluster;
    ngx_str_t                sentinel;   /* the master's name; empty: off */

    ngx_ssl_t               *ssl;        /* NULL: plain */
    ngx_str_t                tls_name;   /* empty: the address is verified */
    ngx_uint_t               tls_verify;
} ngx_llm_redis_conf_t;


/* a script is called by its hash, and sent whole where Redis has it not */

typedef struct {
    ngx_str_t                text;
    u_char                   sha[40];    /* hexadecimal, of init() */
} ngx_llm_redis_script_t;


/*
 * What became of a command.  NGX_OK: reply is Redis's answer.  NGX_ERROR:
 * reply is an error of the command itself (no redirection, and nothing that
 * says that Redis is unavailable).  NGX_DECLINED: it was not executed, and may
 * be tried again; reply is NULL.  NGX_ABORT: it was sent, and nobody knows
 * whether it was executed; reply is NULL.  The reply is the service's and is
 * gone after the call.  Called once, and not before command() returned.
 */
typedef void (*ngx_llm_redis_handler_pt)(void *data, ngx_int_t rc,
    redisReply *reply);

/* Redis may be asked again; called after each return, the first included */
typedef void (*ngx_llm_redis_ready_pt)(void *data);


/* configuration time, or process start: computes the hash */
void ngx_llm_redis_script_init(ngx_llm_redis_script_t *script);

/*
 * Process start: connects.  ready may be NULL.  The object is of the cycle's
 * pool; NULL without memory.
 */
ngx_llm_redis_t *ngx_llm_redis_start(ngx_cycle_t *cycle,
    ngx_llm_redis_conf_t *conf, ngx_llm_redis_ready_pt ready, void *data);
/* process end: what waits is told NGX_ABORT or NGX_DECLINED */
void ngx_llm_redis_stop(ngx_llm_redis_t *redis);

/*
 * Queues a command of argc words for the node of the key (NULL: any node).
 * The words are copied.  The handler may be NULL.  NULL: Redis is unavailable,
 * too much waits, or there is no memory: the handler is not called.
 */
ngx_llm_redis_command_t *ngx_llm_redis_command(ngx_llm_redis_t *redis,
    ngx_str_t *key, ngx_str_t *argv, ngx_uint_t argc,
    ngx_llm_redis_handler_pt handler, void *data);

/*
 * The same for a script: argv[0] and argv[1] are left free by the caller (for
 * EVALSHA and the hash), argv[2] is the number of keys, argv[3] the first key.
 */
ngx_llm_redis_command_t *ngx_llm_redis_eval(ngx_llm_redis_t *redis,
    ngx_llm_redis_script_t *script, ngx_str_t *argv, ngx_uint_t argc,
    ngx_llm_redis_handler_pt handler, void *data);

/* the handler is not called any more; the command goes its way */
void ngx_llm_redis_forget(ngx_llm_redis_command_t *cmd);

/*
 * Whether a command would be taken now: for a cluster, whether any node takes
 * some.
 */
ngx_uint_t ngx_llm_redis_available(ngx_llm_redis_t *redis);


#endif /* _NGX_LLM_REDIS_H_INCLUDED_ */
