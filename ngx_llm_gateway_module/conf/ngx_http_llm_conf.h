
/*
 * What the configuration says, resolved: the objects that a request walks.
 * All of it is memory of the configuration cycle and never changes after
 * init_main_conf.
 */


#ifndef _NGX_HTTP_LLM_CONF_H_INCLUDED_
#define _NGX_HTTP_LLM_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <openssl/evp.h>

#include "llm_endpoint.h"
#include "llm_limit.h"
#include "llm_policy.h"
#include "llm_price.h"
#include "llm_quirk.h"
#include "llm_translate.h"
#include "ngx_llm_keys.h"
#include "ngx_llm_log.h"
#include "ngx_llm_secret.h"
#include "ngx_llm_state.h"
#include "ngx_llm_tally.h"
#include "ngx_llm_totals.h"
#include "ngx_llm_zone.h"


/* what a request is authorized by */

typedef enum {
    NGX_HTTP_LLM_CREDENTIAL_KEY = 0,  /* api_key, if any: never changes */
    NGX_HTTP_LLM_CREDENTIAL_AWS,      /* a signature of each request */
    NGX_HTTP_LLM_CREDENTIAL_GOOGLE,   /* a token that a service account gets */
    NGX_HTTP_LLM_CREDENTIAL_BEARER    /* a token that somebody else renews */
} ngx_http_llm_credential_e;

typedef struct {
    ngx_str_t                  region;
    ngx_str_t                  access_key;
    ngx_str_t                  secret_key;
    ngx_str_t                  session_token; /* or empty */
} ngx_http_llm_aws_t;

#define NGX_HTTP_LLM_BEARER_MAX  16384        /* bytes of a token */

typedef struct {
    ngx_str_t                  path;          /* of a file; ends in a zero */
    ngx_str_t                  token;         /* as it was at the start */
} ngx_http_llm_bearer_conf_t;

typedef struct {
    ngx_str_t                  email;         /* of the service account */
    EVP_PKEY                  *key;
    ngx_str_t                  scope;
    ngx_str_t                  uri;           /* of the token server */
    ngx_addr_t                 addr;          /* resolved at the start */
    ngx_str_t                  host;
    ngx_str_t                  name;          /* host without port */
    ngx_str_t                  path;
    ngx_uint_t                 tls;
} ngx_http_llm_google_t;


typedef struct ngx_http_llm_provider_s  ngx_http_llm_provider_t;
typedef struct ngx_http_llm_model_s     ngx_http_llm_model_t;
typedef struct ngx_http_llm_route_s     ngx_http_llm_route_t;
typedef struct ngx_http_llm_class_s     ngx_http_llm_class_t;
typedef struct ngx_http_llm_key_s       ngx_http_llm_key_t;
typedef struct ngx_http_llm_redis_s     ngx_http_llm_redis_t;


/* where an object was declared, for errors that are found later */

typedef struct {
    u_char                    *file;
    ngx_uint_t                 line;
} ngx_http_llm_place_t;


struct ngx_http_llm_provider_s {
    ngx_str_t                  name;
    llm_protocol_e             protocol;
    uint64_t                   quirks;        /* bits of llm_quirk.h */
    llm_dialect_e              api;           /* openai: the conversation API
                                                 that it has; NONE: both */

    ngx_str_t                  api_version;   /* Azure's dated paths; empty:
                                                 none */

    ngx_str_t                  pass;          /* as written, for messages */
    ngx_str_t                  base;          /* base path, no final slash:
                                                 "/v1" or "" */
    ngx_str_t                  host;          /* Host header */
    ngx_str_t                  tls_name;      /* SNI and verified name: host
                                                 without port */
    ngx_http_upstream_srv_conf_t  *upstream;
    ngx_uint_t                 tls;           /* 1: https */
    ngx_flag_t                 tls_verify;
    ngx_str_t                  tls_ca;

    /* what u->conf points to, before and after the head is committed: they
       differ in read_timeout only (first byte, idle) */
    ngx_http_upstream_conf_t   conf;
    ngx_http_upstream_conf_t   conf_body;

    ngx_msec_t                 connect_timeout;
    ngx_msec_t                 first_byte_timeout;
    ngx_msec_t                 idle_timeout;

    ngx_http_llm_credential_e  credential;
    ngx_http_llm_aws_t         aws;
    ngx_http_llm_google_t      google;
    ngx_http_llm_bearer_conf_t  bearer;
    ngx_str_t                  api_key;       /* empty: none is sent */
    ngx_str_t                  headers_text;  /* extra headers and the
                                                 credential, ready to send:
                                                 "Name: value" CRLF ... */
    ngx_array_t                headers;       /* ngx_keyval_t, of "header" */
    ngx_array_t                tags;          /* ngx_keyval_t */

    ngx_str_t                  sign_secret;   /* signs ids; empty: the zone's
                                                 secret does */

    /* "limit": what this account allows us; 0: no limit */
    ngx_uint_t                 limit_rpm;
    ngx_uint_t                 limit_tpm;
    ngx_uint_t                 limit_inflight;

    /* "check": active probe; interval 0: off */
    ngx_msec_t                 check_interval;
    ngx_uint_t                 check_rise;
    ngx_uint_t                 check_fall;

    llm_subject_t             *subject;       /* of llm_limit; NULL: none */

    ngx_uint_t                 index;         /* in lmcf->providers */
    ngx_http_llm_place_t       place;
};


/*
 * What a model promises: "contract context=128k tools vision json", or a
 * route: "route P context=32k without=tools".  Features are bits of
 * NGX_HTTP_LLM_FEATURE_*, others are names that only a backup is compared by.
 */

#define NGX_HTTP_LLM_FEATURE_TOOLS   0x01
#define NGX_HTTP_LLM_FEATURE_JSON    0x02
#define NGX_HTTP_LLM_FEATURE_VISION  0x04
#define NGX_HTTP_LLM_FEATURE_STREAM  0x08

typedef struct {
    ngx_int_t                  context;       /* tokens; -1: not told */
    uint32_t                   features;
    ngx_array_t                names;         /* ngx_str_t, all features */
} ngx_http_llm_contract_t;


typedef struct {
    ngx_str_t                  name;          /* of the backup model */
    ngx_http_llm_model_t      *model;
    ngx_array_t                classes;       /* ngx_http_llm_class_t *; empty:
                                                 any class that allows it */
    ngx_http_llm_place_t       place;
} ngx_http_llm_backup_t;


#define NGX_HTTP_LLM_ROUTE_TAG_LEN  8

struct ngx_http_llm_route_s {
    ngx_http_llm_model_t      *model;
    ngx_http_llm_provider_t   *provider;
    ngx_str_t                  name;          /* "gpt-4o#1": model, ordinal */
    ngx_str_t                  label;         /* for records: see _label.h */
    ngx_str_t                  upstream_model;
    ngx_uint_t                 captures;      /* 1: upstream_model has $1..$9
                                                 of the alias's regex */
    ngx_uint_t                 priority;      /* 1 is first */
    ngx_uint_t                 weight;
    ngx_flag_t                 active;
    const llm_price_t         *price;         /* NULL: unknown */
    ngx_int_t                  context;       /* tokens that fit; -1: the
                                                 model's, or unknown */
    uint32_t                   without;       /* features it lacks */
    llm_dialect_e              api;           /* of OpenAI's two conversation
                                                 APIs the only one; NONE: the
                                                 provider's */
    llm_to_t                   to;            /* for clients of other protocols;
                                                 a model of captures is not
                                                 filled in */
    ngx_uint_t                 index;         /* over all routes: of its
                                                 health */
    u_char                     tag[NGX_HTTP_LLM_ROUTE_TAG_LEN];
                                              /* base64url digest of model,
                                                 provider, upstream model */
    ngx_http_llm_place_t       place;
};


/* a body member that the model's default, override or drop names */

typedef enum {
    NGX_HTTP_LLM_MEMBER_DEFAULT = 0,
    NGX_HTTP_LLM_MEMBER_OVERRIDE,
    NGX_HTTP_LLM_MEMBER_DROP
} ngx_http_llm_member_e;

typedef struct {
    ngx_http_llm_member_e      kind;
    ngx_str_t                  name;
    ngx_str_t                  json;          /* the value as JSON text */
} ngx_http_llm_member_t;


struct ngx_http_llm_model_s {
    ngx_str_t                  name;
    uint32_t                   endpoints;     /* bit 1 << llm_endpoint_e */
    ngx_array_t                routes;        /* ngx_http_llm_route_t *, in
                                                 order of priority, weight 0
                                                 last inside one */
    ngx_array_t                members;       /* ngx_http_llm_member_t */
    ngx_int_t                  max_tokens;    /* -1: not given */
    ngx_array_t                price_fields;  /* ngx_keyval_t of "price" */
    ngx_uint_t                 captures;      /* 1: a route takes $1 */
    ngx_uint_t                 index;         /* in lmcf->models */
    ngx_uint_t                 has_contract;
    ngx_http_llm_contract_t    contract;
    ngx_array_t                backups;       /* ngx_http_llm_backup_t */
    llm_subject_t             *subject;       /* of llm_limit; NULL: none */
    ngx_http_llm_place_t       place;
};


typedef enum {
    NGX_HTTP_LLM_ORDER_WEIGHT = 0,
    NGX_HTTP_LLM_ORDER_LATENCY,
    NGX_HTTP_LLM_ORDER_PRICE,
    NGX_HTTP_LLM_ORDER_LEAST_INFLIGHT
} ngx_http_llm_order_e;

typedef enum {
    NGX_HTTP_LLM_MISSING_PRICE_WARN = 0,
    NGX_HTTP_LLM_MISSING_PRICE_BLOCK,
    NGX_HTTP_LLM_MISSING_PRICE_ALLOW
} ngx_http_llm_missing_price_e;

struct ngx_http_llm_class_s {
    ngx_str_t                  name;
    llm_policy_t               policy;
    ngx_msec_t                 queue_time;    /* longest wait; 0: no queue */
    ngx_uint_t                 queue_size;    /* waiting requests, a worker */
    ngx_uint_t                 queue_priority; /* 1 is served first */
    ngx_uint_t                 retry_budget;  /* percent of an upstream's
                                                 recent requests; 100: no
                                                 bound */
    ngx_array_t                require;       /* ngx_keyval_t: tags */
    ngx_http_llm_missing_price_e  missing_price;
    ngx_http_llm_order_e       order;
    ngx_flag_t                 last_resort;   /* all routes open: try the least
                                                 bad one instead of no_route */
    ngx_http_llm_place_t       place;
};


#define NGX_HTTP_LLM_ALL_ENDPOINTS  (((uint32_t) 1 << LLM_ENDPOINT_N) - 2)

/* names in "models" and "deny": exact, or a glob with '*' */

struct ngx_http_llm_key_s {
    ngx_str_t                  name;          /* the public id */
    ngx_str_t                  owner;
    ngx_str_t                  team;
    ngx_str_t                  app;
    ngx_str_t                  env;
    ngx_str_t                  label;         /* for records: see _label.h;
                                                 may be empty */
    ngx_array_t                models;        /* ngx_str_t */
    ngx_array_t                deny;          /* ngx_str_t */
    uint32_t                   endpoints;     /* bits; all by default */
    ngx_http_llm_class_t      *class;         /* NULL: default */
    ngx_array_t               *cidr;          /* ngx_cidr_t; NULL: any */
    time_t                     expires;       /* the first second it is no
                                                 longer valid; 0: never */
    ngx_flag_t                 active;
    ngx_array_t                secrets;       /* ngx_http_llm_secret_t */

    ngx_array_t                limits;        /* llm_limit_t, of "limit"; elts
                                                 NULL: none */
    llm_subject_t             *subjects;      /* that limits hold for: key,
                                                 app, team, owner, env */
    ngx_uint_t                 nsubjects;
    ngx_http_llm_place_t       place;
};


/* words of "limit" and "llm_limit" for one subject */
#define NGX_HTTP_LLM_LIMITS_MAX  8


typedef struct {
    u_char                     digest[NGX_LLM_DIGEST_LEN];
    time_t                     until;         /* the first second it is no
                                                 longer valid; 0: always */
    ngx_http_llm_key_t        *key;
} ngx_http_llm_secret_t;


typedef struct {
    ngx_llm_zone_t            *zone;
    ngx_llm_state_t           *state;         /* NULL: is not saved */
    ngx_llm_keys_t            *runtime_keys;  /* NULL: no zone */
    ngx_llm_totals_t          *totals;        /* NULL: no zone */
    ngx_llm_log_t             *usage_log;     /* NULL: off */
    llm_prices_t              *prices;        /* NULL: none */
    ngx_http_llm_redis_t      *redis;         /* NULL: no llm_redis */

    ngx_array_t                providers;     /* ngx_http_llm_provider_t * */
    ngx_array_t                models;        /* ngx_http_llm_model_t * */
    ngx_array_t                classes;
    ngx_array_t                keys;          /* ngx_http_llm_key_t *, by
                                                 name */
    ngx_http_llm_class_t      *default_class;
    ngx_uint_t                 nroutes;       /* over all models */
    ngx_uint_t                 blind_routes;  /* some are without vision */

    ngx_str_t                  id_secret;     /* llm_id_secret, or empty */
    ngx_array_t                admin_tokens;  /* digests, of all llm_admin */

    void                      *lookup;        /* private to the conf layer */
} ngx_http_llm_main_conf_t;


typedef struct {
    ngx_flag_t                 enable;        /* llm_route is here */
    ngx_http_llm_class_t      *class;         /* named here, or NULL */
    ngx_http_complex_value_t  *class_value;   /* $variable, or NULL */
    ngx_flag_t                 key_required;  /* key=off: 0 */
    ngx_flag_t                 query_key;

    ngx_uint_t                 admin;         /* llm_admin is here */
    u_char                     admin_token[NGX_LLM_DIGEST_LEN];
} ngx_http_llm_loc_conf_t;


#define NGX_HTTP_LLM_ADMIN_TOKEN_MIN  8    /* bytes */


extern ngx_module_t  ngx_http_llm_gateway_module;

/* for the command table and the module context */
extern ngx_command_t  ngx_http_llm_commands[];
void *ngx_http_llm_create_main_conf(ngx_conf_t *cf);
char *ngx_http_llm_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_llm_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_llm_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);

/* set by the module: the content handler that llm_route installs */
extern ngx_http_handler_pt  ngx_http_llm_route_handler;
extern ngx_http_handler_pt  ngx_http_llm_admin_handler;


/*
 * The key whose secret has this digest, or NULL.  *secret tells which, for its
 * until.  Constant time in the digest's bytes.
 */
ngx_http_llm_key_t *ngx_http_llm_conf_find_key(ngx_http_llm_main_conf_t *lmcf,
    u_char *digest, ngx_http_llm_secret_t **secret);

/*
 * The model that a requested name means: exact name or alias, then globs,
 * then regular expressions, in order of declaration.  After a regex match
 * captures[] holds pairs of offsets into name, the whole match first, -1 for
 * a group that took no part, and *ncaptures the number of pairs; 0 otherwise.
 * NULL: none.  NGX_ERROR cannot come out: a failing regex is logged and does
 * not match.
 */
#define NGX_HTTP_LLM_CAPTURES  30    /* (9 + 1) * 3, as PCRE wants it */
ngx_http_llm_model_t *ngx_http_llm_conf_find_model(
    ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name, int *captures,
    ngx_uint_t *ncaptures, ngx_log_t *log);

/*
 * The upstream model of a route, captures of the name asked for filled in;
 * allocated only if there are any.  NGX_DECLINED: the route takes captures,
 * but the name matched none, or the result is no model name (empty, too long,
 * or with bytes that need escaping).
 */
ngx_int_t ngx_http_llm_conf_upstream_model(ngx_http_llm_route_t *route,
    ngx_str_t *name, int *captures, ngx_uint_t ncaptures, ngx_pool_t *pool,
    ngx_str_t *out);

/* the route with this tag, or NULL */
ngx_http_llm_route_t *ngx_http_llm_conf_find_route(
    ngx_http_llm_main_conf_t *lmcf, u_char *tag);

ngx_http_llm_class_t *ngx_http_llm_conf_find_class(
    ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name);

/* the key with this public id, or NULL */
ngx_http_llm_key_t *ngx_http_llm_conf_key_by_name(
    ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name);

/* whether the provider has this tag with this value */
ngx_uint_t ngx_http_llm_conf_has_tag(ngx_http_llm_provider_t *p,
    ngx_keyval_t *tag);

/*
 * Whether the key may use the model: deny wins and is matched against both
 * the model's name and the name asked for; "models" against the model's name,
 * and against the name asked for too where the model is a family whose routes
 * take captures.
 */
ngx_uint_t ngx_http_llm_conf_key_allows(ngx_http_llm_key_t *key,
    ngx_http_llm_model_t *model, ngx_str_t *asked);

/*
 * Sets key->subjects from its names, its own limits and all llm_limit; memory
 * and key->limits must live as long as requests that use the key.  For keys
 * that are made at run time too.
 */
ngx_int_t ngx_http_llm_limit_bind(ngx_http_llm_main_conf_t *lmcf,
    ngx_http_llm_key_t *key, ngx_pool_t *pool);

/* a limit as it was written, for messages */
#define ngx_http_llm_limit_text(l)  ((ngx_str_t *) &(l)->text)

/* what a file holds is a token, white space behind it cut off; NGX_DECLINED:
   it is none that may stand in a header */
ngx_int_t ngx_http_llm_bearer_check(ngx_str_t *token);

/* whether "deny" names it, which holds for backups too */
ngx_uint_t ngx_http_llm_conf_key_denies(ngx_http_llm_key_t *key,
    ngx_str_t *name);


#endif /* _NGX_HTTP_LLM_CONF_H_INCLUDED_ */
