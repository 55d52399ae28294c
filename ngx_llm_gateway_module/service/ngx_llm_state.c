
/*
 * What the zone holds, on disk: who writes, when, and the way back.
 *
 *   One worker of the host writes.  Every second it asks each service for
 *   what has changed and appends it.  When most of the journal is old it
 *   makes a new one: in slices it asks for everything, has that brought to
 *   the disk by a thread, and renames it over the old.  Changes of that time
 *   go to both, so that at every moment one of them is whole.
 *
 *   The writer notes in the zone up to where the journal is good.  Whoever
 *   takes over from one that was killed cuts off what lies behind, and since
 *   changes may have been taken from the services and never written, makes a
 *   new journal from everything.
 *
 *   A zone of another size is a new one, and so is that of a new binary.  The
 *   journal that it was loaded from is replaced while workers of the old zone
 *   still write: they find another file in its place and leave it alone.
 */


#include "ngx_llm_state_journal.h"

#include "llm_journal.h"


#define NGX_LLM_STATE_ROOT     "state"

/* half of what may be lost: a worker may be late; milliseconds */
#define NGX_LLM_STATE_TICK     500
#define NGX_LLM_STATE_PAUSE    5               /* between slices, ms */
#define NGX_LLM_STATE_STALE    10000           /* a silent writer's, ms */


static void ngx_llm_state_handler(ngx_event_t *ev);
static ngx_uint_t ngx_llm_state_elect(ngx_llm_state_t *state);


/* of this process: nginx without a master forgets one at a reload */
static ngx_llm_state_t  *ngx_llm_state_started;


ngx_llm_state_t *
ngx_llm_state_add(ngx_conf_t *cf, ngx_str_t *dir, ngx_llm_zone_t *zone)
{
    ngx_llm_state_t  *state;

    state = ngx_pcalloc(cf->pool, sizeof(ngx_llm_state_t));
    if (state == NULL) {
        return NULL;
    }

    state->zone = zone;
    state->file.fd = NGX_INVALID_FILE;
    state->next.fd = NGX_INVALID_FILE;

    return ngx_llm_state_dir_add(cf, &state->dir, dir) == NGX_OK ? state
                                                                 : NULL;
}


ngx_int_t
ngx_llm_state_register(ngx_llm_state_t *state, ngx_llm_state_kind_t *kind)
{
    if (state->nkinds == NGX_LLM_STATE_KINDS) {
        return NGX_ERROR;
    }

    state->kinds[state->nkinds++] = *kind;

    return NGX_OK;
}


ngx_int_t
ngx_llm_state_put(ngx_llm_state_writer_t *w, ngx_str_t *key, ngx_str_t *value)
{
    llm_journal_record_t  record;

    if (key->len == 0 || key->len > NGX_LLM_STATE_KEY_MAX
        || value->len > NGX_LLM_STATE_VALUE_MAX)
    {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "a record of %uz and %uz bytes does not fit into the "
                      "zone's state", key->len, value->len);
        return NGX_OK;
    }

    if (llm_journal_size(key->len, value->len) > (size_t) (w->end - w->pos)) {
        return NGX_AGAIN;
    }

    record.kind = w->kind;
    record.key.data = key->data;
    record.key.len = key->len;
    record.value.data = value->data;
    record.value.len = value->len;

    w->pos = llm_journal_write(w->pos, &record);

    ngx_memcpy(w->last, key->data, key->len);
    w->last_len = key->len;

    return NGX_OK;
}


ngx_int_t
ngx_llm_state_attach(ngx_llm_state_t *state, ngx_cycle_t *cycle)
{
    state->cycle = cycle;
    state->dir.log = cycle->log;

    state->sh = ngx_llm_zone_root(state->zone, NGX_LLM_STATE_ROOT,
                                  sizeof(ngx_llm_state_sh_t));

    if (state->sh == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "no room in the zone to keep its state");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_llm_state_start(ngx_llm_state_t *state, ngx_cycle_t *cycle)
{
    if (ngx_llm_state_attach(state, cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_llm_state_started && ngx_llm_state_started != state) {
        ngx_llm_state_stop(ngx_llm_state_started);
    }

    ngx_llm_state_started = state;

    state->dumb.fd = (ngx_socket_t) -1;
    state->dumb.data = state;

    state->timer.handler = ngx_llm_state_handler;
    state->timer.data = &state->dumb;
    state->timer.log = cycle->log;
    state->timer.cancelable = 1;

    ngx_add_timer(&state->timer, 1);

    return NGX_OK;
}


/* the last worker to leave writes what was counted last */

void
ngx_llm_state_stop(ngx_llm_state_t *state)
{
    if (state->sh == NULL) {
        return;
    }

    if (state->timer.timer_set) {
        ngx_del_timer(&state->timer);
    }

    if (ngx_llm_state_elect(state)) {
        ngx_llm_state_changed(state);

        if (state->owed && state->phase != NGX_LLM_STATE_COMMIT) {
            ngx_llm_state_whole(state);
        }

        ngx_llm_state_end(state);
    }

    state->sh = NULL;

    ngx_llm_state_started = NULL;
}


static void
ngx_llm_state_handler(ngx_event_t *ev)
{
    ngx_msec_t         next, passed;
    ngx_connection_t  *c;
    ngx_llm_state_t   *state;

    c = ev->data;
    state = c->data;

    if (ngx_exiting) {
        ngx_llm_state_stop(state);
        return;
    }

    next = NGX_LLM_STATE_TICK;

    if (!ngx_llm_state_elect(state)) {
        ngx_add_timer(ev, next);
        return;
    }

    passed = ngx_current_msec - state->changed_at;

    if (state->phase == NGX_LLM_STATE_IDLE || passed >= NGX_LLM_STATE_TICK) {

        /* a file that was removed is made again */

        if (!ngx_llm_state_ours(state)) {
            ngx_llm_state_end(state);
            return;
        }

        ngx_llm_state_changed(state);
        state->changed_at = ngx_current_msec;
    }

    switch (state->phase) {

    case NGX_LLM_STATE_IDLE:

        if ((state->owed || ngx_llm_state_grown(state))
            && ngx_llm_state_compact(state) == NGX_OK)
        {
            next = NGX_LLM_STATE_PAUSE;
        }

        break;

    case NGX_LLM_STATE_ALL:

        if (ngx_llm_state_slice(state, 0) != NGX_ERROR) {
            next = NGX_LLM_STATE_PAUSE;
        }

        break;

    default: /* NGX_LLM_STATE_COMMIT */

        if (ngx_llm_state_committed(state) == NGX_AGAIN) {
            next = 10 * NGX_LLM_STATE_PAUSE;
        }

        break;
    }

    ngx_add_timer(ev, next);
}


/*
 * Whether this worker writes; it may become the one that does.  One that was
 * silent for long may go on where it was stopped: it finds that it is not the
 * writer any more, and what it wrote meanwhile it wrote to a file that the new
 * one replaces.
 */

static ngx_uint_t
ngx_llm_state_elect(ngx_llm_state_t *state)
{
    ngx_uint_t           own;
    ngx_msec_int_t       silent;
    ngx_llm_state_sh_t  *sh;

    sh = state->sh;

    ngx_llm_zone_lock(state->zone);

    own = (sh->writer == ngx_pid && state->writer != NULL);

    if (!own && !state->lost) {

        silent = (ngx_msec_int_t) (ngx_current_msec - sh->beat);

        /* our own number: it was that of a process before us */

        own = (sh->writer == 0
               || sh->writer == ngx_pid
               || silent > NGX_LLM_STATE_STALE
               || (kill(sh->writer, 0) == -1 && ngx_errno == ESRCH));
    }

    if (own) {
        sh->unsure |= (sh->writer != 0 && state->writer == NULL);
        sh->writer = ngx_pid;
        sh->beat = ngx_current_msec;
    }

    ngx_llm_zone_unlock(state->zone);

    if (!own) {
        ngx_llm_state_end(state);
        return 0;
    }

    if (state->writer == NULL && ngx_llm_state_begin(state) != NGX_OK) {
        ngx_llm_state_end(state);
        return 0;
    }

    return 1;
}


ngx_int_t
ngx_llm_state_begin(ngx_llm_state_t *state)
{
    ngx_llm_state_sh_t      *sh;
    ngx_llm_state_writer_t  *w;

    sh = state->sh;

    w = ngx_alloc(sizeof(ngx_llm_state_writer_t) + NGX_LLM_STATE_BUFFER,
                  state->dir.log);
    if (w == NULL) {
        return NGX_ERROR;
    }

    w->start = (u_char *) w + sizeof(ngx_llm_state_writer_t);
    w->pos = w->start;
    w->end = w->start + NGX_LLM_STATE_BUFFER;

    state->writer = w;
    state->phase = NGX_LLM_STATE_IDLE;
    state->owed = 0;

    if (!ngx_llm_state_ours(state)) {
        return NGX_ERROR;
    }

    if (sh->next && ngx_llm_state_file_id(&state->dir) == sh->next) {

        /* the writer before us did not live to see its new journal arrive: it
           is whole, but nobody noted how far it is good */

        ngx_llm_zone_lock(state->zone);

        sh->id = sh->next;
        sh->next = 0;
        sh->size = -1;

        ngx_llm_zone_unlock(state->zone);
    }

    /* the lock of an nginx that has left is free */

    (void) ngx_llm_state_dir_lock(&state->dir, state->cycle);

    if (sh->id == 0
        || sh->size == -1
        || ngx_llm_state_file_open(&state->dir, &state->file, sh->id,
                                   sh->size)
           != NGX_OK
        || sh->unsure)
    {
        state->owed = 1;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_llm_state_ours(ngx_llm_state_t *state)
{
    uint64_t             id;
    ngx_llm_state_sh_t  *sh;

    sh = state->sh;
    id = ngx_llm_state_file_id(&state->dir);

    if (id == 0) {
        state->owed = 1;
        return 1;
    }

    if (sh->id == 0 || id == sh->id || id == sh->next) {
        return 1;
    }

    ngx_log_error(NGX_LOG_NOTICE, state->dir.log, 0,
                  "\"%V\" is written by another nginx now, this one leaves "
                  "it alone", &state->dir.path);

    state->lost = 1;

    return 0;
}


void
ngx_llm_state_end(ngx_llm_state_t *state)
{
    ngx_llm_state_sh_t  *sh;

    if (state->writer == NULL) {
        return;
    }

    sh = state->sh;

    if (state->phase == NGX_LLM_STATE_ALL) {
        ngx_llm_state_file_discard(&state->dir, &state->next);
    }

    /* a new one may still be on its way into place: both are whole */

    ngx_llm_state_file_close(&state->dir, &state->file);
    ngx_llm_state_file_close(&state->dir, &state->next);

    ngx_free(state->writer);
    state->writer = NULL;

    ngx_llm_zone_lock(state->zone);

    if (sh->writer == ngx_pid) {
        sh->writer = 0;
        sh->unsure |= state->owed;
    }

    ngx_llm_zone_unlock(state->zone);
}
