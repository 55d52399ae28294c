
/*
 * Writing the journal: what changed, and now and then everything.
 */


#include "ngx_llm_state_journal.h"

#include "llm_journal.h"


#define NGX_LLM_STATE_SLICE    4               /* writes in a row */

/* a journal is made anew when it is larger than that, bytes, and this many
   times larger than it was when new */
#define NGX_LLM_STATE_LARGE    (1024 * 1024)
#define NGX_LLM_STATE_GROWN    3


static ngx_int_t ngx_llm_state_flush(ngx_llm_state_t *state);
static ngx_int_t ngx_llm_state_commit(ngx_llm_state_t *state, ngx_uint_t wait);
static void ngx_llm_state_abandon(ngx_llm_state_t *state);


void
ngx_llm_state_changed(ngx_llm_state_t *state)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_llm_state_sh_t      *sh;
    ngx_llm_state_kind_t    *kind;
    ngx_llm_state_writer_t  *w;

    sh = state->sh;
    w = state->writer;

    /* what is taken from now on, and is not written, only the zone has */

    sh->unsure = 1;
    ngx_memory_barrier();

    w->pos = w->start;

    for (i = 0; i < state->nkinds; i++) {

        kind = &state->kinds[i];
        w->kind = kind->kind;

        do {
            rc = kind->changed(kind->data, w);

            if (rc == NGX_ERROR
                || (rc == NGX_AGAIN && ngx_llm_state_flush(state) != NGX_OK))
            {
                state->owed = 1;
            }

        } while (rc == NGX_AGAIN);
    }

    if (ngx_llm_state_flush(state) != NGX_OK) {
        state->owed = 1;
    }

    ngx_memory_barrier();

    if (!state->owed) {
        sh->unsure = 0;
    }
}


/*
 * Appends what was put to the journal, and to the one that is to follow it.
 * NGX_ERROR: the journal has not got it.
 */

static ngx_int_t
ngx_llm_state_flush(ngx_llm_state_t *state)
{
    size_t                   len;
    ngx_int_t                rc;
    ngx_llm_state_writer_t  *w;

    w = state->writer;
    len = w->pos - w->start;
    w->pos = w->start;

    if (len == 0) {
        return NGX_OK;
    }

    rc = NGX_ERROR;

    if (state->file.fd != NGX_INVALID_FILE) {

        rc = ngx_llm_state_file_append(&state->dir, &state->file, w->start,
                                       len);

        if (rc == NGX_OK && state->sh->writer == ngx_pid) {
            state->sh->size = state->file.size;
        }
    }

    if (state->phase != NGX_LLM_STATE_IDLE
        && ngx_llm_state_file_append(&state->dir, &state->next, w->start, len)
           != NGX_OK)
    {
        if (state->phase == NGX_LLM_STATE_ALL) {
            ngx_llm_state_abandon(state);

        } else {
            state->next_short = 1;
        }

        rc = NGX_ERROR;
    }

    return rc;
}


/* begins a new journal */

ngx_int_t
ngx_llm_state_compact(ngx_llm_state_t *state)
{
    u_char  header[LLM_JOURNAL_HEADER];

    if (ngx_llm_state_file_create(&state->dir, &state->next, state->cycle)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    llm_journal_write_header(header);

    if (ngx_llm_state_file_append(&state->dir, &state->next, header,
                                  LLM_JOURNAL_HEADER)
        != NGX_OK)
    {
        ngx_llm_state_abandon(state);
        return NGX_ERROR;
    }

    state->phase = NGX_LLM_STATE_ALL;
    state->kind = 0;
    state->next_short = 0;
    state->after_len = 0;

    return NGX_OK;
}


ngx_int_t
ngx_llm_state_slice(ngx_llm_state_t *state, ngx_uint_t wait)
{
    ngx_int_t                rc;
    ngx_str_t                after;
    ngx_uint_t               n;
    ngx_llm_state_kind_t    *kind;
    ngx_llm_state_writer_t  *w;

    w = state->writer;

    for (n = 0; n < NGX_LLM_STATE_SLICE; n++) {

        if (state->kind == state->nkinds) {
            return ngx_llm_state_commit(state, wait);
        }

        kind = &state->kinds[state->kind];

        after.data = state->after;
        after.len = state->after_len;

        w->kind = kind->kind;
        w->pos = w->start;
        w->last_len = 0;

        rc = kind->all(kind->data, w, &after);

        if (rc == NGX_ERROR
            || ngx_llm_state_file_append(&state->dir, &state->next, w->start,
                                         w->pos - w->start)
               != NGX_OK)
        {
            ngx_llm_state_abandon(state);
            return NGX_ERROR;
        }

        w->pos = w->start;

        if (rc == NGX_OK) {
            state->kind++;
            state->after_len = 0;

        } else if (w->last_len) {
            ngx_memcpy(state->after, w->last, w->last_len);
            state->after_len = w->last_len;
        }
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_llm_state_commit(ngx_llm_state_t *state, ngx_uint_t wait)
{
    ngx_int_t            rc;
    ngx_llm_state_sh_t  *sh;

    sh = state->sh;

    /* somebody may have taken over, while this process was not run */

    ngx_llm_zone_lock(state->zone);

    rc = (sh->writer == ngx_pid) ? NGX_OK : NGX_ERROR;

    if (rc == NGX_OK) {
        sh->next = state->next.id;
    }

    ngx_llm_zone_unlock(state->zone);

    if (rc != NGX_OK || !ngx_llm_state_ours(state)) {
        ngx_llm_state_abandon(state);
        return NGX_ERROR;
    }

    rc = ngx_llm_state_file_commit(&state->dir, &state->next, wait);

    if (rc == NGX_BUSY) {
        return NGX_AGAIN;
    }

    if (rc != NGX_OK) {
        ngx_llm_state_abandon(state);
        return NGX_ERROR;
    }

    state->phase = NGX_LLM_STATE_COMMIT;

    return NGX_OK;
}


ngx_int_t
ngx_llm_state_committed(ngx_llm_state_t *state)
{
    ngx_int_t            rc;
    ngx_llm_state_sh_t  *sh;

    rc = ngx_llm_state_file_committed(&state->dir);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc != NGX_OK) {
        ngx_llm_state_abandon(state);
        return NGX_ERROR;
    }

    ngx_llm_state_file_close(&state->dir, &state->file);

    state->file = state->next;
    state->next.fd = NGX_INVALID_FILE;
    state->phase = NGX_LLM_STATE_IDLE;
    state->owed = state->next_short;

    sh = state->sh;

    ngx_llm_zone_lock(state->zone);

    if (sh->writer == ngx_pid) {
        sh->id = state->file.id;
        sh->next = 0;
        sh->size = state->file.size;
        sh->base = state->file.size;
        sh->unsure = state->owed;
    }

    ngx_llm_zone_unlock(state->zone);

    return NGX_OK;
}


static void
ngx_llm_state_abandon(ngx_llm_state_t *state)
{
    if (state->phase == NGX_LLM_STATE_ALL) {
        ngx_llm_state_file_discard(&state->dir, &state->next);

    } else {
        ngx_llm_state_file_close(&state->dir, &state->next);
    }

    state->phase = NGX_LLM_STATE_IDLE;
}


ngx_uint_t
ngx_llm_state_grown(ngx_llm_state_t *state)
{
    return state->file.size > NGX_LLM_STATE_LARGE
           && state->file.size / NGX_LLM_STATE_GROWN > state->sh->base;
}


void
ngx_llm_state_whole(ngx_llm_state_t *state)
{
    ngx_int_t  rc;

    if (state->phase == NGX_LLM_STATE_IDLE
        && ngx_llm_state_compact(state) != NGX_OK)
    {
        return;
    }

    do {
        rc = ngx_llm_state_slice(state, 1);
    } while (rc == NGX_AGAIN);

    if (rc == NGX_OK) {
        (void) ngx_llm_state_committed(state);
    }
}
