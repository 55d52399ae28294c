
/* Gemini's dialect: a request to a provider; settings: _write_config.c */


#include "llm_generate.h"


#define LLM_GENERATE_CALLS  1024     /* of one turn */


static const llm_turn_t *llm_generate_write_system(llm_generate_write_t *w);
static int llm_generate_write_contents(llm_generate_write_t *w,
    const llm_turn_t *turn);
static const llm_turn_t *llm_generate_behind(const llm_turn_t *turn);
static void llm_generate_write_begin(llm_generate_write_t *w,
    const char *role);
static int llm_generate_write_model(llm_generate_write_t *w,
    const llm_turn_t *turn, const llm_turn_t *end);
static int llm_generate_write_user(llm_generate_write_t *w,
    const llm_turn_t *turn, const llm_turn_t *end);
static int llm_generate_write_results(llm_generate_write_t *w,
    const llm_turn_t *turn, const llm_turn_t *end);
static unsigned llm_generate_has_result(const llm_turn_t *turn,
    const llm_turn_t *end);
static int llm_generate_collect(llm_generate_write_t *w,
    const llm_turn_t *turn, const llm_turn_t *end, llm_block_e kind,
    const llm_block_t **blocks, unsigned *n);
static int llm_generate_write_stray(llm_generate_write_t *w,
    const llm_block_t *block);


int
llm_generate_write(llm_translate_t *x, llm_buf_t *out, llm_error_t *err)
{
    int                   rc;
    const llm_turn_t     *turn;
    llm_generate_write_t  w;

    memset(&w, 0, sizeof(llm_generate_write_t));

    w.x = x;
    w.out = out;
    w.err = err;

    llm_buf_puts(out, "{");

    turn = llm_generate_write_system(&w);

    llm_buf_puts(out, "\"contents\":[");

    rc = llm_generate_write_contents(&w, turn);

    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(out, "]");

    rc = llm_generate_write_tools(x, out, err);

    if (rc == LLM_OK) {
        rc = llm_generate_write_config(x, out, err);
    }

    if (rc == LLM_OK) {
        rc = llm_generate_write_extra(x, out);
    }

    llm_buf_puts(out, "}");

    return rc == LLM_OK && out->failed ? LLM_NOMEM : rc;
}


/* the system's turns at the beginning; tells the first of the others */

static const llm_turn_t *
llm_generate_write_system(llm_generate_write_t *w)
{
    size_t              start;
    const llm_turn_t   *turn;
    const llm_block_t  *block;

    start = w->out->len;

    llm_buf_puts(w->out, "\"systemInstruction\":{\"parts\":[");

    for (turn = w->x->form->turns; turn && turn->role == LLM_ROLE_SYSTEM;
         turn = turn->next)
    {
        for (block = turn->blocks; block; block = block->next) {

            if (block->kind == LLM_BLOCK_TEXT && block->text.len) {
                llm_generate_write_text(w, &block->text, NULL);
            }
        }
    }

    if (llm_generate_words(w->x)) {
        llm_generate_write_comma(w);
        llm_generate_write_words(w->x, w->out);
    }

    if (w->parts == 0) {
        w->out->len = start;
        return turn;
    }

    llm_buf_puts(w->out, "]},");

    w->parts = 0;

    return turn;
}


/*
 * Neighbours of one role are one content; what comes later from the system is
 * the user's.
 */

static int
llm_generate_write_contents(llm_generate_write_t *w, const llm_turn_t *turn)
{
    int                rc;
    const llm_turn_t  *end;

    while (turn) {
        end = llm_generate_behind(turn);

        rc = (turn->role == LLM_ROLE_ASSISTANT)
             ? llm_generate_write_model(w, turn, end)
             : llm_generate_write_user(w, turn, end);

        if (rc != LLM_OK) {
            return rc;
        }

        turn = end;
    }

    if (!w->any) {
        llm_generate_write_begin(w, "user");
        llm_buf_puts(w->out, "{\"text\":\".\"}]}");
    }

    return LLM_OK;
}


/* behind the run of turns of one role */

static const llm_turn_t *
llm_generate_behind(const llm_turn_t *turn)
{
    unsigned  model;

    model = (turn->role == LLM_ROLE_ASSISTANT);

    while (turn && (turn->role == LLM_ROLE_ASSISTANT) == model) {
        turn = turn->next;
    }

    return turn;
}


static void
llm_generate_write_begin(llm_generate_write_t *w, const char *role)
{
    if (w->any) {
        llm_buf_puts(w->out, ",");
    }

    llm_buf_puts(w->out, "{\"role\":\"");
    llm_buf_puts(w->out, role);
    llm_buf_puts(w->out, "\",\"parts\":[");

    w->any = 1;
    w->parts = 0;
}


static int
llm_generate_write_model(llm_generate_write_t *w, const llm_turn_t *turn,
    const llm_turn_t *end)
{
    int                 rc;
    size_t              start;
    unsigned            any;
    const llm_block_t  *block;

    start = w->out->len;
    any = w->any;

    /* a conversation begins with its user */

    if (!any) {
        llm_generate_write_begin(w, "user");
        llm_buf_puts(w->out, "{\"text\":\".\"}]}");
    }

    llm_generate_write_begin(w, "model");

    w->calls_turn = turn;
    w->signature = NULL;
    w->called = 0;

    for ( /* void */ ; turn != end; turn = turn->next) {

        for (block = turn->blocks; block; block = block->next) {
            rc = llm_generate_write_block(w, block);

            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    if (w->parts == 0) {
        w->out->len = start;
        w->any = any;
        return LLM_OK;
    }

    llm_buf_puts(w->out, "]}");

    return LLM_OK;
}


/*
 * Results first, in the order of the calls of the content before, then what
 * else the user says.
 */

static int
llm_generate_write_user(llm_generate_write_t *w, const llm_turn_t *turn,
    const llm_turn_t *end)
{
    int                 rc;
    size_t              start;
    unsigned            any;
    const llm_turn_t   *t;
    const llm_block_t  *block;

    start = w->out->len;
    any = w->any;

    llm_generate_write_begin(w, "user");

    rc = llm_generate_write_results(w, turn, end);

    if (rc != LLM_OK) {
        return rc;
    }

    for (t = turn; t != end; t = t->next) {

        for (block = t->blocks; block; block = block->next) {

            if (block->kind == LLM_BLOCK_TOOL_RESULT) {
                rc = llm_generate_write_images(w, block);

            } else {
                rc = llm_generate_write_block(w, block);
            }

            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    if (w->parts == 0) {
        w->out->len = start;
        w->any = any;
        return LLM_OK;
    }

    llm_buf_puts(w->out, "]}");

    return LLM_OK;
}


static int
llm_generate_write_results(llm_generate_write_t *w, const llm_turn_t *turn,
    const llm_turn_t *end)
{
    int                  rc;
    unsigned             i, n, ncalls, nresults;
    const llm_block_t   *result, **calls, **results;

    if (!llm_generate_has_result(turn, end)) {
        return LLM_OK;
    }

    calls = llm_alloc(w->x->arena,
                      2 * LLM_GENERATE_CALLS * sizeof(llm_block_t *));
    if (calls == NULL) {
        return LLM_NOMEM;
    }

    results = calls + LLM_GENERATE_CALLS;
    ncalls = 0;

    if (w->calls_turn) {
        rc = llm_generate_collect(w, w->calls_turn, turn, LLM_BLOCK_TOOL_CALL,
                                  calls, &ncalls);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    rc = llm_generate_collect(w, turn, end, LLM_BLOCK_TOOL_RESULT, results,
                              &nresults);

    for (i = 0; rc == LLM_OK && i < ncalls; i++) {

        for (n = 0; n < nresults; n++) {
            result = results[n];

            if (result && result->id.len == calls[i]->id.len
                && memcmp(result->id.data, calls[i]->id.data, result->id.len)
                   == 0)
            {
                rc = llm_generate_write_result(w, result, calls[i]);
                results[n] = NULL;
                break;
            }
        }
    }

    for (n = 0; rc == LLM_OK && n < nresults; n++) {

        if (results[n]) {
            rc = llm_generate_write_stray(w, results[n]);
        }
    }

    return rc;
}


static unsigned
llm_generate_has_result(const llm_turn_t *turn, const llm_turn_t *end)
{
    const llm_block_t  *block;

    for ( /* void */ ; turn != end; turn = turn->next) {

        for (block = turn->blocks; block; block = block->next) {

            if (block->kind == LLM_BLOCK_TOOL_RESULT) {
                return 1;
            }
        }
    }

    return 0;
}


static int
llm_generate_collect(llm_generate_write_t *w, const llm_turn_t *turn,
    const llm_turn_t *end, llm_block_e kind, const llm_block_t **blocks,
    unsigned *n)
{
    const llm_block_t  *block;

    *n = 0;

    for ( /* void */ ; turn != end; turn = turn->next) {

        for (block = turn->blocks; block; block = block->next) {

            if (block->kind != kind) {
                continue;
            }

            if (*n == LLM_GENERATE_CALLS) {
                return llm_translate_refuse(w->err, LLM_ERROR_UNTRANSLATABLE,
                                            "messages", "one turn has too "
                                            "many tool calls");
            }

            blocks[(*n)++] = block;
        }
    }

    return LLM_OK;
}


/* a result that does not answer the content before */

static int
llm_generate_write_stray(llm_generate_write_t *w, const llm_block_t *block)
{
    const llm_block_t  *call;

    call = llm_form_find_call(w->x->form, &block->id);

    if (call == NULL) {
        return llm_translate_refuse(w->err, LLM_ERROR_UNTRANSLATABLE,
                                    "messages", "a tool result answers a "
                                    "call that is not in the conversation");
    }

    return llm_generate_write_result(w, block, call);
}
