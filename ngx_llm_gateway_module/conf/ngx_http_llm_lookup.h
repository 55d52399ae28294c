
/*
 * Finding objects by name: hash tables that are filled while the
 * configuration is read, and what else the layer keeps to itself.
 */


#ifndef _NGX_HTTP_LLM_LOOKUP_H_INCLUDED_
#define _NGX_HTTP_LLM_LOOKUP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_conf.h"


/* open addressing; a slot without value is free */

typedef struct {
    ngx_str_t                  key;
    uint32_t                   hash;
    void                      *value;
} ngx_http_llm_slot_t;

typedef struct {
    ngx_http_llm_slot_t       *slots;
    ngx_uint_t                 size;          /* a power of two, or 0 */
    ngx_uint_t                 nelts;
} ngx_http_llm_table_t;


typedef struct {
    ngx_str_t                  pattern;
    ngx_http_llm_model_t      *model;
} ngx_http_llm_glob_t;


#if (NGX_PCRE)

typedef struct {
    ngx_str_t                  pattern;
    ngx_regex_t               *regex;
    ngx_http_llm_model_t      *model;
} ngx_http_llm_regex_t;

#endif


/* a name that is resolved when everything has been read */

typedef struct {
    void                      *object;        /* which holds the name */
    ngx_str_t                  name;
    ngx_http_llm_place_t       place;
} ngx_http_llm_pending_t;


/* TLS of all providers that verify alike */

typedef struct {
    ngx_ssl_t                 *ssl;
    ngx_flag_t                 verify;
    ngx_str_t                  ca;
} ngx_http_llm_tls_t;


typedef struct {
    ngx_http_llm_table_t       providers;
    ngx_http_llm_table_t       models;        /* names and exact aliases */
    ngx_http_llm_table_t       classes;
    ngx_http_llm_table_t       keys;
    ngx_http_llm_table_t       secrets;       /* by digest */
    ngx_http_llm_table_t       tags;          /* routes */
    ngx_http_llm_table_t       limits;        /* by subject as written */
    ngx_http_llm_table_t       upstreams;     /* by address of the block: the
                                                 first provider of each */

    ngx_array_t                globs;         /* ngx_http_llm_glob_t */
    ngx_array_t                regexes;       /* ngx_http_llm_regex_t */

    ngx_array_t                route_providers; /* ngx_http_llm_pending_t */
    ngx_array_t                key_classes;
    ngx_array_t                location_classes;

    ngx_array_t                rules;         /* of llm_limit, private to
                                                 _limit.c */
    ngx_array_t                tls;           /* ngx_http_llm_tls_t */
    ngx_http_upstream_conf_t   hidden;        /* holds the hash of hidden
                                                 headers */
    llm_arena_t                arena;         /* over the cycle's pool */

    ngx_uint_t                 used;          /* 1: some directive of ours */
} ngx_http_llm_lookup_t;


ngx_http_llm_lookup_t *ngx_http_llm_lookup_create(ngx_conf_t *cf);

/* of the configuration being read */
ngx_http_llm_lookup_t *ngx_http_llm_lookup_get(ngx_conf_t *cf);

/* the value, or NULL; compares in constant time where the hashes agree */
void *ngx_http_llm_lookup_find(ngx_http_llm_table_t *table, u_char *key,
    size_t len);

/* adds a key that is not there yet; it is not copied */
ngx_int_t ngx_http_llm_lookup_add(ngx_conf_t *cf, ngx_http_llm_table_t *table,
    u_char *key, size_t len, void *value);

/* notes a name for init_main_conf, at the current place */
ngx_int_t ngx_http_llm_lookup_defer(ngx_conf_t *cf, ngx_array_t *pending,
    void *object, ngx_str_t *name);


#endif /* _NGX_HTTP_LLM_LOOKUP_H_INCLUDED_ */
