
/*
 * The tally on disk.  Of sums the id and the name are the key, and an entry as
 * it is given out the value; one that comes back may have been sent, and so
 * grows no more.  Of a letter the key is its number, which is shorter than any
 * of those, and its words are the value.
 */


#include "ngx_llm_tally_state.h"


#define NGX_LLM_TALLY_VERSION  2

/* a letter is confirmed by then, if the store is there; milliseconds */
#define NGX_LLM_TALLY_YOUNG    100


/* the value of sums */

typedef struct {
    int64_t                  version;
    int64_t                  ttl;
    ngx_uint_t               n;
    ngx_llm_tally_item_t     items[NGX_LLM_TALLY_ITEMS];
} ngx_llm_tally_value_t;


/* and what a letter's begins with */

typedef struct {
    int64_t                  version;
    uint64_t                 n;
} ngx_llm_tally_head_t;


static ngx_int_t ngx_llm_tally_load(void *data, ngx_str_t *key,
    ngx_str_t *value);
static ngx_int_t ngx_llm_tally_load_sums(ngx_llm_tally_t *tally,
    uint64_t number, ngx_str_t *name, ngx_str_t *value);
static ngx_int_t ngx_llm_tally_load_letter(ngx_llm_tally_t *tally,
    uint64_t number, ngx_str_t *value);
static ngx_int_t ngx_llm_tally_changed(void *data,
    ngx_llm_state_writer_t *w);
static ngx_int_t ngx_llm_tally_changed_sums(ngx_llm_tally_t *tally,
    ngx_llm_state_writer_t *w);
static ngx_int_t ngx_llm_tally_changed_over(ngx_llm_tally_t *tally,
    ngx_llm_state_writer_t *w);
static ngx_int_t ngx_llm_tally_all(void *data, ngx_llm_state_writer_t *w,
    ngx_str_t *after);
static ngx_int_t ngx_llm_tally_all_sums(ngx_llm_tally_t *tally,
    ngx_llm_state_writer_t *w, ngx_str_t *after);
static ngx_int_t ngx_llm_tally_letters(ngx_llm_tally_t *tally,
    ngx_llm_state_writer_t *w, ngx_uint_t pass);
static ngx_int_t ngx_llm_tally_queue(ngx_queue_t *letters,
    ngx_llm_state_writer_t *w, ngx_uint_t pass, ngx_msec_int_t young);
static ngx_int_t ngx_llm_tally_put_letter(ngx_llm_tally_letter_t *letter,
    ngx_llm_state_writer_t *w, ngx_uint_t over);
static ngx_int_t ngx_llm_tally_put(ngx_llm_tally_node_t *node,
    ngx_llm_state_writer_t *w);


ngx_int_t
ngx_llm_tally_journal(ngx_conf_t *cf, ngx_llm_zone_t *zone,
    ngx_llm_state_t *state)
{
    ngx_llm_tally_t       *tally;
    ngx_llm_state_kind_t   kind;

    tally = ngx_pcalloc(cf->pool, sizeof(ngx_llm_tally_t));
    if (tally == NULL) {
        return NGX_ERROR;
    }

    tally->zone = zone;

    kind.kind = NGX_LLM_STATE_LEDGER;
    kind.name = "owed";
    kind.data = tally;
    kind.load = ngx_llm_tally_load;
    kind.changed = ngx_llm_tally_changed;
    kind.all = ngx_llm_tally_all;

    return ngx_llm_state_register(state, &kind);
}


static ngx_int_t
ngx_llm_tally_load(void *data, ngx_str_t *key, ngx_str_t *value)
{
    ngx_llm_tally_t *tally = data;

    uint64_t   number;
    ngx_int_t  rc;
    ngx_str_t  name;

    if (ngx_llm_tally_attach(tally) != NGX_OK) {
        return NGX_ERROR;
    }

    if (key->len < sizeof(number)
        || key->len > sizeof(number) + NGX_LLM_TALLY_NAME)
    {
        return NGX_DECLINED;
    }

    ngx_memcpy(&number, key->data, sizeof(number));

    name.data = key->data + sizeof(number);
    name.len = key->len - sizeof(number);

    ngx_llm_zone_lock(tally->zone);

    rc = name.len ? ngx_llm_tally_load_sums(tally, number, &name, value)
                  : ngx_llm_tally_load_letter(tally, number, value);

    ngx_llm_zone_done(tally->zone);
    ngx_llm_zone_unlock(tally->zone);

    return rc;
}


static ngx_int_t
ngx_llm_tally_load_sums(ngx_llm_tally_t *tally, uint64_t number,
    ngx_str_t *name, ngx_str_t *value)
{
    ngx_llm_tally_node_t   *node, **p;
    ngx_llm_tally_value_t   v;

    p = &tally->sh->buckets[ngx_crc32_short(name->data, name->len)
                            % NGX_LLM_TALLY_BUCKETS];

    while (*p && (*p)->number != number) {
        p = &(*p)->next;
    }

    node = *p;

    if (value->len == 0) {

        if (node) {
            *p = node->next;
            tally->sh->count--;
            ngx_llm_zone_free_locked(tally->zone, node);
        }

        return NGX_OK;
    }

    if (value->len != sizeof(v)) {
        return NGX_DECLINED;
    }

    ngx_memcpy(&v, value->data, sizeof(v));

    if (v.version != NGX_LLM_TALLY_VERSION || v.n > NGX_LLM_TALLY_ITEMS) {
        return NGX_DECLINED;
    }

    if (node == NULL) {
        node = ngx_llm_tally_node(tally, name);
        if (node == NULL) {
            return NGX_ERROR;
        }

        node->number = number;
        ngx_llm_tally_insert(tally, node);
    }

    node->ttl = v.ttl;
    node->n = v.n;
    ngx_memcpy(node->items, v.items, sizeof(node->items));

    return NGX_OK;
}


static ngx_int_t
ngx_llm_tally_load_letter(ngx_llm_tally_t *tally, uint64_t number,
    ngx_str_t *value)
{
    ngx_queue_t             *q;
    ngx_llm_tally_head_t     head;
    ngx_llm_tally_letter_t  *letter;

    letter = NULL;

    for (q = ngx_queue_head(&tally->sh->left);
         q != ngx_queue_sentinel(&tally->sh->left);
         q = ngx_queue_next(q))
    {
        letter = ngx_queue_data(q, ngx_llm_tally_letter_t, queue);

        if (letter->number == number) {
            break;
        }

        letter = NULL;
    }

    if (value->len == 0) {

        if (letter) {
            ngx_llm_tally_letter_found(tally, letter);
            ngx_llm_zone_done(tally->zone);
            ngx_llm_tally_letter_free(tally, letter);
        }

        return NGX_OK;
    }

    if (value->len < sizeof(head)) {
        return NGX_DECLINED;
    }

    ngx_memcpy(&head, value->data, sizeof(head));

    if (head.version != NGX_LLM_TALLY_VERSION) {
        return NGX_DECLINED;
    }

    if (letter) {
        return NGX_OK;
    }

    letter = ngx_llm_tally_letter(tally, value->len - sizeof(head));
    if (letter == NULL) {
        return NGX_ERROR;
    }

    letter->number = number;
    letter->n = head.n;
    letter->sent = 1;
    letter->written = 1;
    ngx_memcpy(letter->text, value->data + sizeof(head), letter->len);

    if (!ngx_llm_tally_letter_whole(letter)) {
        ngx_llm_tally_letter_free(tally, letter);
        return NGX_DECLINED;
    }

    ngx_llm_tally_letter_left(tally, letter);

    return NGX_OK;
}


static ngx_int_t
ngx_llm_tally_changed(void *data, ngx_llm_state_writer_t *w)
{
    ngx_llm_tally_t *tally = data;

    ngx_int_t  rc;

    if (ngx_llm_tally_attach(tally) != NGX_OK) {
        return NGX_OK;
    }

    rc = ngx_llm_tally_changed_sums(tally, w);

    if (rc == NGX_OK) {
        rc = ngx_llm_tally_changed_over(tally, w);
    }

    if (rc == NGX_OK) {
        rc = ngx_llm_tally_letters(tally, w, 0);
    }

    return rc;
}


/* changed and all of them alike: there are few, but in an outage */

static ngx_int_t
ngx_llm_tally_changed_sums(ngx_llm_tally_t *tally,
    ngx_llm_state_writer_t *w)
{
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_llm_tally_node_t   *node, **p;

    rc = NGX_OK;

    for (i = 0; rc == NGX_OK && i < NGX_LLM_TALLY_BUCKETS; i++) {

        if (tally->sh->buckets[i] == NULL) {
            continue;
        }

        ngx_llm_zone_lock(tally->zone);

        p = &tally->sh->buckets[i];

        while (*p) {
            node = *p;

            if (node->dirty) {
                rc = ngx_llm_tally_put(node, w);

                if (rc != NGX_OK) {
                    break;
                }

                node->dirty = 0;
            }

            if (node->over) {
                *p = node->next;
                ngx_llm_zone_free_locked(tally->zone, node);
                continue;
            }

            p = &node->next;
        }

        ngx_llm_zone_unlock(tally->zone);
    }

    return rc;
}


/* letters that the journal has, and that were confirmed since */

static ngx_int_t
ngx_llm_tally_changed_over(ngx_llm_tally_t *tally, ngx_llm_state_writer_t *w)
{
    ngx_int_t                rc;
    ngx_llm_tally_letter_t  *letter;

    rc = NGX_OK;

    ngx_llm_zone_lock(tally->zone);

    while (!ngx_queue_empty(&tally->sh->over)) {

        letter = ngx_queue_data(ngx_queue_head(&tally->sh->over),
                                ngx_llm_tally_letter_t, queue);

        rc = ngx_llm_tally_put_letter(letter, w, 1);

        if (rc != NGX_OK) {
            break;
        }

        ngx_llm_zone_unlink(tally->zone, &letter->queue);
        ngx_llm_zone_done(tally->zone);
        ngx_llm_tally_letter_free(tally, letter);
    }

    ngx_llm_zone_unlock(tally->zone);

    return rc;
}


static ngx_int_t
ngx_llm_tally_all(void *data, ngx_llm_state_writer_t *w, ngx_str_t *after)
{
    ngx_llm_tally_t *tally = data;

    ngx_int_t  rc;

    if (ngx_llm_tally_attach(tally) != NGX_OK) {
        return NGX_OK;
    }

    /* letters go from queue to queue: those that were put are marked */

    if (after->len == 0) {
        tally->sh->pass++;
    }

    rc = NGX_OK;

    if (after->len != sizeof(uint64_t)) {
        rc = ngx_llm_tally_all_sums(tally, w, after);
    }

    return rc == NGX_OK ? ngx_llm_tally_letters(tally, w, tally->sh->pass)
                        : rc;
}


/* in the order of buckets, and in a bucket of the chain, which grows at its
   head */

static ngx_int_t
ngx_llm_tally_all_sums(ngx_llm_tally_t *tally,
    ngx_llm_state_writer_t *w, ngx_str_t *after)
{
    uint64_t               number;
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_llm_tally_node_t  *node;

    i = 0;
    number = 0;

    if (after->len > sizeof(number)) {
        ngx_memcpy(&number, after->data, sizeof(number));
        i = ngx_crc32_short(after->data + sizeof(number),
                            after->len - sizeof(number))
            % NGX_LLM_TALLY_BUCKETS;
    }

    rc = NGX_OK;

    for ( /* void */ ; rc == NGX_OK && i < NGX_LLM_TALLY_BUCKETS; i++) {

        ngx_llm_zone_lock(tally->zone);

        node = tally->sh->buckets[i];

        if (number) {

            while (node && node->number != number) {
                node = node->next;
            }

            /* one that went meanwhile: its bucket from the first on, since to
               write one twice does no harm */

            node = node ? node->next : tally->sh->buckets[i];
            number = 0;
        }

        for ( /* void */ ; rc == NGX_OK && node; node = node->next) {
            if (!node->over) {
                rc = ngx_llm_tally_put(node, w);
            }
        }

        ngx_llm_zone_unlock(tally->zone);
    }

    return rc;
}


/*
 * Letters that the journal has not got, or with a pass, those of this pass not
 * yet.  What is under way is mostly confirmed in a moment: it is left out while
 * it is young, for the journal need not know of it.
 */

static ngx_int_t
ngx_llm_tally_letters(ngx_llm_tally_t *tally, ngx_llm_state_writer_t *w,
    ngx_uint_t pass)
{
    ngx_int_t              rc;
    ngx_llm_zone_place_t  *place;

    ngx_llm_zone_lock(tally->zone);

    rc = ngx_llm_tally_queue(&tally->sh->left, w, pass, 0);

    for (place = tally->sh->places; rc == NGX_OK && place;
         place = place->next)
    {
        rc = ngx_llm_tally_queue(&place->things, w, pass,
                                 NGX_LLM_TALLY_YOUNG);
    }

    ngx_llm_zone_unlock(tally->zone);

    return rc;
}


static ngx_int_t
ngx_llm_tally_queue(ngx_queue_t *letters, ngx_llm_state_writer_t *w,
    ngx_uint_t pass, ngx_msec_int_t young)
{
    ngx_queue_t             *q;
    ngx_llm_tally_letter_t  *letter;

    for (q = ngx_queue_head(letters);
         q != ngx_queue_sentinel(letters);
         q = ngx_queue_next(q))
    {
        letter = ngx_queue_data(q, ngx_llm_tally_letter_t, queue);

        if (letter->draft
            || (pass ? letter->pass == pass : letter->written)
            || (!letter->written
                && (ngx_msec_int_t) (ngx_current_msec - letter->born) < young))
        {
            continue;
        }

        if (ngx_llm_tally_put_letter(letter, w, 0) != NGX_OK) {
            return NGX_AGAIN;
        }

        letter->written = 1;

        if (pass) {
            letter->pass = pass;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_llm_tally_put_letter(ngx_llm_tally_letter_t *letter,
    ngx_llm_state_writer_t *w, ngx_uint_t over)
{
    ngx_str_t              key, value;
    ngx_llm_tally_head_t   head;

    static u_char          text[NGX_LLM_STATE_VALUE_MAX];

    key.data = (u_char *) &letter->number;
    key.len = sizeof(uint64_t);

    value.data = text;
    value.len = 0;

    if (!over) {

        head.version = NGX_LLM_TALLY_VERSION;
        head.n = letter->n;

        value.len = sizeof(head) + letter->len;

        /* of more limits than anybody has: it lives as long as the zone */

        if (value.len > NGX_LLM_STATE_VALUE_MAX) {
            return NGX_OK;
        }

        ngx_memcpy(text, &head, sizeof(head));
        ngx_memcpy(text + sizeof(head), letter->text, letter->len);
    }

    return ngx_llm_state_put(w, &key, &value);
}


static ngx_int_t
ngx_llm_tally_put(ngx_llm_tally_node_t *node, ngx_llm_state_writer_t *w)
{
    u_char                 text[sizeof(uint64_t) + NGX_LLM_TALLY_NAME];
    ngx_str_t              key, value;
    ngx_llm_tally_value_t  v;

    ngx_memcpy(text, &node->number, sizeof(uint64_t));
    ngx_memcpy(text + sizeof(uint64_t), node->name, node->len);

    key.data = text;
    key.len = sizeof(uint64_t) + node->len;

    value.data = (u_char *) &v;
    value.len = 0;

    if (!node->over) {
        ngx_memzero(&v, sizeof(v));

        v.version = NGX_LLM_TALLY_VERSION;
        v.ttl = node->ttl;
        v.n = node->n;
        ngx_memcpy(v.items, node->items, sizeof(v.items));

        value.len = sizeof(v);
    }

    return ngx_llm_state_put(w, &key, &value);
}
