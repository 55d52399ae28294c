
/*
 * The way back: what nginx does with a journal that it finds when it starts.
 */


#include "ngx_llm_state_journal.h"

#include "llm_journal.h"


static void ngx_llm_state_restore(ngx_llm_state_t *state, ngx_str_t *text);
static ngx_int_t ngx_llm_state_restore_record(ngx_llm_state_t *state,
    llm_journal_record_t *record);


/*
 * At a reload the zone lives, and is right; only a file of another time may
 * lie in a directory that is new to it.
 */

ngx_int_t
ngx_llm_state_load(ngx_llm_state_t *state, ngx_cycle_t *cycle)
{
    uint64_t   id;
    ngx_int_t  rc;
    ngx_str_t  text, name;

    if (ngx_llm_state_attach(state, cycle) != NGX_OK
        || (ngx_llm_state_dir_check(&state->dir, cycle) != NGX_OK
            && ngx_is_init_cycle(cycle->old_cycle)))
    {
        return NGX_ERROR;
    }

    if (ngx_test_config) {
        return NGX_OK;
    }

    rc = ngx_llm_state_dir_lock(&state->dir, cycle);

    if (rc == NGX_BUSY) {

        if (ngx_is_init_cycle(cycle->old_cycle) && !ngx_inherited) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                          "state directory \"%V\" is in use by another nginx",
                          &state->dir.dir);
            return NGX_ERROR;
        }

        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "state directory \"%V\" is still locked by the nginx "
                      "before this one", &state->dir.dir);

    } else if (rc != NGX_OK && ngx_is_init_cycle(cycle->old_cycle)) {
        return NGX_ERROR;
    }

    if (!ngx_llm_zone_is_new(state->zone)) {

        id = ngx_llm_state_file_id(&state->dir);

        if (id && id != state->sh->id && id != state->sh->next) {
            ngx_llm_state_file_aside(&state->dir, "old", &name);

            ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                          "what is counted since start goes on to be saved in "
                          "\"%V\", the file found there is now \"%V\"",
                          &state->dir.dir, &name);
        }

        return NGX_OK;
    }

    rc = ngx_llm_state_file_read(&state->dir, &text);

    if (rc == NGX_ERROR) {
        return ngx_is_init_cycle(cycle->old_cycle) ? NGX_ERROR : NGX_OK;
    }

    if (rc == NGX_OK) {
        ngx_llm_state_restore(state, &text);
        ngx_free(text.data);
    }

    /* nobody waits yet: a whole journal from the start */

    state->sh->writer = ngx_pid;

    if (ngx_llm_state_begin(state) == NGX_OK) {
        ngx_llm_state_whole(state);
    }

    ngx_llm_state_end(state);

    return NGX_OK;
}


static void
ngx_llm_state_restore(ngx_llm_state_t *state, ngx_str_t *text)
{
    int                    rc;
    uint32_t               version;
    llm_str_t              rest, at;
    ngx_str_t              name;
    ngx_uint_t             good, odd, full, damaged;
    const char            *why;
    llm_journal_record_t   record;

    good = 0;
    odd = 0;
    full = 0;
    damaged = 0;

    rest.data = text->data;
    rest.len = text->len;

    rc = llm_journal_read_header(rest.data, rest.len, &version);

    if (rc == LLM_LIMIT) {
        ngx_llm_state_file_aside(&state->dir, "version", &name);

        ngx_log_error(NGX_LOG_ERR, state->dir.log, 0,
                      "\"%V\" is of version %uD, this is version %d: nothing "
                      "was loaded, it is now \"%V\"", &state->dir.path,
                      version, LLM_JOURNAL_VERSION, &name);
        return;
    }

    if (rc == LLM_OK) {
        rest.data += LLM_JOURNAL_HEADER;
        rest.len -= LLM_JOURNAL_HEADER;

    } else {
        damaged = 1;
    }

    while (rest.len) {

        at = rest;
        rc = llm_journal_read(&rest, &record);

        if (rc == LLM_OK) {

            switch (ngx_llm_state_restore_record(state, &record)) {

            case NGX_OK:
                good++;
                break;

            case NGX_DECLINED:
                odd++;
                break;

            default:
                full++;
            }

            continue;
        }

        llm_journal_skip(&rest);

        /* a writer that was killed leaves half a record, and nothing more */

        if (rc == LLM_AGAIN && rest.len == 0
            && at.len <= NGX_LLM_STATE_BUFFER)
        {
            ngx_log_error(NGX_LOG_NOTICE, state->dir.log, 0,
                          "the last %uz bytes of \"%V\" are a record that was "
                          "not written to its end", at.len,
                          &state->dir.path);
            break;
        }

        damaged++;
    }

    ngx_log_error(NGX_LOG_NOTICE, state->dir.log, 0,
                  "%ui records were loaded from \"%V\"", good,
                  &state->dir.path);

    if (damaged == 0 && odd == 0 && full == 0) {
        return;
    }

    why = damaged || odd ? "corrupt" : "full";

    ngx_llm_state_file_aside(&state->dir, why, &name);

    ngx_log_error(NGX_LOG_ERR, state->dir.log, 0,
                  "\"%V\" was damaged in %ui places, %ui of its records were "
                  "not understood, for %ui there was no room in the zone, %ui "
                  "were loaded; it is now \"%V\"", &state->dir.path, damaged,
                  odd, full, good, &name);
}


static ngx_int_t
ngx_llm_state_restore_record(ngx_llm_state_t *state,
    llm_journal_record_t *record)
{
    ngx_str_t              key, value;
    ngx_uint_t             i;
    ngx_llm_state_kind_t  *kind;

    for (i = 0; i < state->nkinds; i++) {

        kind = &state->kinds[i];

        if (kind->kind != record->kind) {
            continue;
        }

        key.data = record->key.data;
        key.len = record->key.len;
        value.data = record->value.data;
        value.len = record->value.len;

        return kind->load(kind->data, &key, &value);
    }

    return NGX_DECLINED;
}
