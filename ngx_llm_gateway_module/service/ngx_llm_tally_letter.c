
/*
 * What a worker tells the store, kept until that has confirmed it.
 */


#include "ngx_llm_tally_state.h"


static size_t ngx_llm_tally_size(size_t len);
static ngx_llm_tally_letter_t *ngx_llm_tally_find(ngx_llm_tally_t *tally);


ngx_llm_tally_letter_t *
ngx_llm_tally_keep(ngx_llm_tally_t *tally, ngx_str_t *words, ngx_uint_t n,
    ngx_uint_t draft)
{
    size_t                   len;
    u_char                  *p;
    uint16_t                 size;
    ngx_uint_t               i;
    ngx_llm_tally_letter_t  *letter;

    if (tally == NULL) {
        return NULL;
    }

    len = 0;

    for (i = 0; i < n; i++) {

        if (words[i].len > 65535) {
            return NULL;
        }

        len += sizeof(uint16_t) + words[i].len;
    }

    if (tally->sh->bytes + ngx_llm_tally_size(len)
        > ngx_llm_zone_size(tally->zone) / NGX_LLM_TALLY_SHARE)
    {
        return NULL;
    }

    letter = ngx_llm_tally_letter(tally, len);
    if (letter == NULL) {
        return NULL;
    }

    letter->number = ++tally->sh->number;
    letter->n = n;
    letter->draft = draft;

    p = letter->text;

    for (i = 0; i < n; i++) {
        size = (uint16_t) words[i].len;
        p = ngx_cpymem(p, &size, sizeof(uint16_t));
        p = ngx_cpymem(p, words[i].data, size);
    }

    ngx_llm_zone_link(tally->zone, &tally->place->things, &letter->queue);

    return letter;
}


ngx_llm_tally_letter_t *
ngx_llm_tally_letter(ngx_llm_tally_t *tally, size_t len)
{
    ngx_llm_tally_letter_t  *letter;

    letter = ngx_llm_zone_alloc_locked(tally->zone,
                                 offsetof(ngx_llm_tally_letter_t, text) + len);
    if (letter == NULL) {
        return NULL;
    }

    ngx_memzero(letter, offsetof(ngx_llm_tally_letter_t, text));

    letter->born = ngx_current_msec;
    letter->len = len;

    tally->sh->bytes += ngx_llm_tally_size(len);

    return letter;
}


/* what the zone gives for it */

static size_t
ngx_llm_tally_size(size_t len)
{
    size_t  size;

    len += offsetof(ngx_llm_tally_letter_t, text);

    for (size = 64; size < len; size <<= 1) { /* void */ }

    return size;
}


void
ngx_llm_tally_letter_free(ngx_llm_tally_t *tally,
    ngx_llm_tally_letter_t *letter)
{
    tally->sh->bytes -= ngx_llm_tally_size(letter->len);

    ngx_llm_zone_free_locked(tally->zone, letter);
}


ngx_uint_t
ngx_llm_tally_letter_whole(ngx_llm_tally_letter_t *letter)
{
    u_char      *p, *last;
    uint16_t     size;
    ngx_uint_t   i;

    p = letter->text;
    last = p + letter->len;

    for (i = 0; i < letter->n; i++) {

        if ((size_t) (last - p) < sizeof(uint16_t)) {
            return 0;
        }

        ngx_memcpy(&size, p, sizeof(uint16_t));
        p += sizeof(uint16_t);

        if ((size_t) (last - p) < size) {
            return 0;
        }

        p += size;
    }

    return p == last;
}


void
ngx_llm_tally_read(ngx_llm_tally_letter_t *letter, ngx_str_t *words)
{
    u_char      *p;
    uint16_t     size;
    ngx_uint_t   i;

    p = letter->text;

    for (i = 0; i < letter->n; i++) {
        ngx_memcpy(&size, p, sizeof(uint16_t));
        p += sizeof(uint16_t);

        words[i].data = p;
        words[i].len = size;

        p += size;
    }
}


void
ngx_llm_tally_sent(ngx_llm_tally_letter_t *letter, ngx_uint_t sent)
{
    letter->sent = sent;
    ngx_memory_barrier();
}


void
ngx_llm_tally_forget(ngx_llm_tally_t *tally, ngx_llm_tally_letter_t *letter)
{
    ngx_llm_zone_lock(tally->zone);

    ngx_llm_tally_void(tally, letter);
    ngx_llm_zone_done(tally->zone);
    ngx_llm_tally_voided(tally, letter);

    ngx_llm_zone_unlock(tally->zone);
}


/* one that the journal has stays until that was told */

void
ngx_llm_tally_void(ngx_llm_tally_t *tally, ngx_llm_tally_letter_t *letter)
{
    ngx_llm_zone_unlink(tally->zone, &letter->queue);

    if (letter->written && tally->sh->journal) {
        ngx_llm_zone_link(tally->zone, &tally->sh->over, &letter->queue);
    }
}


void
ngx_llm_tally_voided(ngx_llm_tally_t *tally, ngx_llm_tally_letter_t *letter)
{
    if (!(letter->written && tally->sh->journal)) {
        ngx_llm_tally_letter_free(tally, letter);
    }
}


void
ngx_llm_tally_leave(ngx_llm_tally_t *tally, ngx_llm_tally_letter_t *letter)
{
    ngx_llm_zone_lock(tally->zone);

    ngx_llm_zone_unlink(tally->zone, &letter->queue);
    ngx_llm_tally_letter_left(tally, letter);
    ngx_llm_zone_done(tally->zone);

    ngx_llm_zone_unlock(tally->zone);
}


void
ngx_llm_tally_letter_left(ngx_llm_tally_t *tally,
    ngx_llm_tally_letter_t *letter)
{
    letter->draft = 0;

    ngx_llm_zone_link(tally->zone, &tally->sh->left, &letter->queue);

    ngx_llm_zone_save(tally->zone, (void *) &tally->sh->nleft,
                      sizeof(uintptr_t));
    tally->sh->nleft++;
}


void
ngx_llm_tally_letter_found(ngx_llm_tally_t *tally,
    ngx_llm_tally_letter_t *letter)
{
    ngx_llm_zone_unlink(tally->zone, &letter->queue);

    ngx_llm_zone_save(tally->zone, (void *) &tally->sh->nleft,
                      sizeof(uintptr_t));
    tally->sh->nleft--;
}


ngx_llm_tally_letter_t *
ngx_llm_tally_adopt(ngx_llm_tally_t *tally, ngx_uint_t *n, ngx_uint_t *sent)
{
    ngx_llm_tally_letter_t  *letter;

    if (tally == NULL) {
        return NULL;
    }

    ngx_llm_zone_lock(tally->zone);

    letter = ngx_llm_tally_find(tally);

    if (letter) {
        letter->draft = 0;
        ngx_llm_zone_link(tally->zone, &tally->place->things, &letter->queue);
        ngx_llm_zone_done(tally->zone);

        *n = letter->n;
        *sent = letter->sent;
    }

    ngx_llm_zone_unlock(tally->zone);

    return letter;
}


/* takes it out of where it was, which is not done yet */

static ngx_llm_tally_letter_t *
ngx_llm_tally_find(ngx_llm_tally_t *tally)
{
    ngx_llm_zone_place_t    *place;
    ngx_llm_tally_letter_t  *letter;

    if (!ngx_queue_empty(&tally->sh->left)) {
        letter = ngx_queue_data(ngx_queue_head(&tally->sh->left),
                                ngx_llm_tally_letter_t, queue);

        ngx_llm_tally_letter_found(tally, letter);

        return letter;
    }

    for (place = tally->sh->places; place; place = place->next) {

        if (!ngx_llm_zone_place_gone(place, tally->place)) {
            continue;
        }

        if (!ngx_queue_empty(&place->things)) {
            letter = ngx_queue_data(ngx_queue_head(&place->things),
                                    ngx_llm_tally_letter_t, queue);

            ngx_llm_zone_unlink(tally->zone, &letter->queue);

            return letter;
        }

        place->pid = 0;
    }

    return NULL;
}


/* drafts are left, of what an exit ends without a word */

void
ngx_llm_tally_stop(ngx_llm_tally_t *tally)
{
    ngx_queue_t             *things;
    ngx_llm_tally_letter_t  *letter;

    if (tally == NULL) {
        return;
    }

    things = &tally->place->things;

    ngx_llm_zone_lock(tally->zone);

    while (!ngx_queue_empty(things)) {
        letter = ngx_queue_data(ngx_queue_head(things),
                                ngx_llm_tally_letter_t, queue);

        ngx_llm_zone_unlink(tally->zone, &letter->queue);
        ngx_llm_tally_letter_left(tally, letter);
        ngx_llm_zone_done(tally->zone);
    }

    tally->place->pid = 0;

    ngx_llm_zone_unlock(tally->zone);
}
