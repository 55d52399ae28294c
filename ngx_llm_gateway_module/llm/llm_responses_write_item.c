
/*
 * OpenAI Responses API: instructions and input of the request to a provider.
 */


#include "llm_responses.h"


typedef struct {
    llm_translate_t  *x;
    llm_buf_t        *out;
    llm_error_t      *err;
    unsigned          nitems;
} llm_responses_write_t;


static const llm_turn_t *llm_responses_write_system(llm_responses_write_t *w);
static int llm_responses_write_later(llm_responses_write_t *w,
    const llm_turn_t *turn);
static int llm_responses_write_user(llm_responses_write_t *w,
    const llm_turn_t *turn);
static int llm_responses_write_result(llm_responses_write_t *w,
    const llm_block_t *block);
static int llm_responses_write_output(llm_responses_write_t *w,
    const llm_block_t *block);
static int llm_responses_write_assistant(llm_responses_write_t *w,
    const llm_turn_t *turn);
static int llm_responses_write_thought(llm_responses_write_t *w,
    const llm_block_t *block);
static int llm_responses_write_call(llm_responses_write_t *w,
    const llm_block_t *block);
static int llm_responses_write_content(llm_responses_write_t *w,
    const llm_block_t *block);
static int llm_responses_write_document(llm_responses_write_t *w,
    const llm_block_t *block);
static int llm_responses_write_id(llm_responses_write_t *w,
    const llm_str_t *id);
static void llm_responses_write_open(llm_responses_write_t *w,
    const char *item);
static void llm_responses_write_data(const llm_block_t *block,
    llm_buf_t *out);
static int llm_responses_unsupported(llm_responses_write_t *w,
    const char *message);


int
llm_responses_write_input(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err)
{
    int                     rc;
    const llm_turn_t       *turn;
    llm_responses_write_t   w;

    memset(&w, 0, sizeof(llm_responses_write_t));

    w.x = x;
    w.out = out;
    w.err = err;

    turn = llm_responses_write_system(&w);

    llm_buf_puts(out, ",\"input\":[");

    for ( /* void */ ; turn; turn = turn->next) {

        switch (turn->role) {

        case LLM_ROLE_SYSTEM:
            rc = llm_responses_write_later(&w, turn);
            break;

        case LLM_ROLE_USER:
            rc = llm_responses_write_user(&w, turn);
            break;

        default: /* LLM_ROLE_ASSISTANT */
            rc = llm_responses_write_assistant(&w, turn);
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    llm_buf_puts(out, "]");

    return LLM_OK;
}


/* system turns in front are instructions; the first one behind them */

static const llm_turn_t *
llm_responses_write_system(llm_responses_write_t *w)
{
    llm_buf_t           b;
    const llm_turn_t   *turn;
    const llm_block_t  *block;

    llm_buf_init(&b, w->x->arena);

    for (turn = w->x->form->turns; turn; turn = turn->next) {

        if (turn->role != LLM_ROLE_SYSTEM) {
            break;
        }

        for (block = turn->blocks; block; block = block->next) {

            if (block->kind == LLM_BLOCK_TEXT && block->text.len
                && !llm_form_billing(block))
            {
                llm_buf_puts(&b, b.len ? "\n\n" : "");
                llm_buf_add(&b, block->text.data, block->text.len);
            }
        }
    }

    /* any JSON must be asked for in words, too: OpenAI's clients know that */

    if (w->x->form->output == LLM_OUTPUT_JSON
        && w->x->form->op->protocol != LLM_PROTOCOL_OPENAI)
    {
        llm_buf_puts(&b, b.len ? "\n\n" : "");
        llm_buf_puts(&b, "Respond with a single JSON object and nothing "
                         "else.");
    }

    if (b.failed) {
        w->out->failed = 1;
    }

    if (b.len) {
        llm_buf_puts(w->out, ",\"instructions\":");
        llm_buf_json(w->out, b.data, b.len);
    }

    return turn;
}


static int
llm_responses_write_later(llm_responses_write_t *w, const llm_turn_t *turn)
{
    llm_str_t  text;

    if (llm_form_text(w->x->arena, turn->blocks, "\n\n", &text) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (text.len) {
        llm_responses_write_open(w, "{\"type\":\"message\",\"role\":"
                                    "\"developer\",\"content\":");
        llm_buf_json(w->out, text.data, text.len);
        llm_buf_puts(w->out, "}");
    }

    return LLM_OK;
}


static int
llm_responses_write_user(llm_responses_write_t *w, const llm_turn_t *turn)
{
    int                 rc;
    unsigned            n;
    const llm_block_t  *block;

    for (block = turn->blocks; block; block = block->next) {

        if (block->kind == LLM_BLOCK_TOOL_RESULT) {

            rc = llm_responses_write_result(w, block);
            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    n = 0;

    for (block = turn->blocks; block; block = block->next) {

        if (block->kind == LLM_BLOCK_TOOL_RESULT
            || (block->kind == LLM_BLOCK_TEXT && block->text.len == 0))
        {
            continue;
        }

        if (n++) {
            llm_buf_puts(w->out, ",");

        } else {
            llm_responses_write_open(w, "{\"type\":\"message\",\"role\":"
                                        "\"user\",\"content\":[");
        }

        rc = llm_responses_write_content(w, block);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (n) {
        llm_buf_puts(w->out, "]}");
    }

    return LLM_OK;
}


static int
llm_responses_write_result(llm_responses_write_t *w,
    const llm_block_t *block)
{
    int  rc;

    llm_responses_write_open(w, "{\"type\":\"function_call_output\","
                                "\"call_id\":");

    rc = llm_responses_write_id(w, &block->id);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(w->out, ",\"output\":");

    rc = llm_responses_write_output(w, block);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


/* a string, or parts where there is more than text */

static int
llm_responses_write_output(llm_responses_write_t *w,
    const llm_block_t *block)
{
    int                 rc;
    unsigned            parts;
    llm_buf_t           b;
    llm_str_t           text;
    const llm_block_t  *c;

    parts = 0;

    for (c = block->content; c; c = c->next) {
        parts |= (c->kind != LLM_BLOCK_TEXT);
    }

    if (parts) {
        llm_buf_puts(w->out, "[");

        if (block->error) {
            llm_buf_puts(w->out, "{\"type\":\"input_text\",\"text\":"
                                 "\"Error:\"},");
        }

        for (c = block->content; c; c = c->next) {

            if (c != block->content) {
                llm_buf_puts(w->out, ",");
            }

            rc = llm_responses_write_content(w, c);
            if (rc != LLM_OK) {
                return rc;
            }
        }

        llm_buf_puts(w->out, "]");

        return LLM_OK;
    }

    if (llm_form_text(w->x->arena, block->content, "\n", &text) != LLM_OK) {
        return LLM_NOMEM;
    }

    llm_buf_init(&b, w->x->arena);

    if (block->error) {
        llm_buf_puts(&b, "Error: ");
    }

    llm_buf_add(&b, block->json.data, block->json.len);
    llm_buf_add(&b, text.data, text.len);

    llm_buf_json(w->out, b.data, b.len);

    return b.failed ? LLM_NOMEM : LLM_OK;
}


static int
llm_responses_write_assistant(llm_responses_write_t *w,
    const llm_turn_t *turn)
{
    int                 rc;
    const llm_block_t  *block;

    for (block = turn->blocks; block; block = block->next) {

        switch (block->kind) {

        case LLM_BLOCK_THINKING:
        case LLM_BLOCK_REDACTED:
            rc = llm_responses_write_thought(w, block);
            break;

        case LLM_BLOCK_TOOL_CALL:
            rc = llm_responses_write_call(w, block);
            break;

        case LLM_BLOCK_TEXT:
        case LLM_BLOCK_REFUSAL:
            rc = LLM_OK;

            if (block->text.len == 0) {
                break;
            }

            llm_responses_write_open(w, "{\"type\":\"message\",\"role\":"
                                        "\"assistant\",\"content\":[");

            if (block->kind == LLM_BLOCK_REFUSAL) {
                llm_responses_print_string("{\"type\":\"refusal\","
                                           "\"refusal\":", &block->text,
                                           w->out);
                llm_buf_puts(w->out, "}]}");
                break;
            }

            llm_responses_print_string("{\"type\":\"output_text\",\"text\":",
                                       &block->text, w->out);
            llm_buf_puts(w->out, ",\"annotations\":[]}]}");
            break;

        default:
            rc = LLM_OK;
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}


/* its own state alone: nobody else's thoughts are taken here */

static int
llm_responses_write_thought(llm_responses_write_t *w,
    const llm_block_t *block)
{
    if (block->state.kind != LLM_STATE_OPENAI) {
        return LLM_OK;
    }

    llm_responses_write_open(w, "{\"type\":\"reasoning\"");

    if (block->state.id.len) {
        llm_responses_print_string(",\"id\":", &block->state.id, w->out);
    }

    llm_responses_print_string(",\"summary\":[],\"encrypted_content\":",
                               &block->state.data, w->out);
    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


static int
llm_responses_write_call(llm_responses_write_t *w, const llm_block_t *block)
{
    int        rc;
    llm_str_t  name;

    llm_responses_write_open(w, "{\"type\":\"function_call\",\"call_id\":");

    rc = llm_responses_write_id(w, &block->id);
    if (rc != LLM_OK) {
        return rc;
    }

    rc = llm_responses_name(w->x, &block->name, &name);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_responses_print_string(",\"name\":", &name, w->out);
    llm_responses_print_string(",\"arguments\":", &block->json, w->out);
    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


static int
llm_responses_write_content(llm_responses_write_t *w, const llm_block_t *block)
{
    switch (block->kind) {

    case LLM_BLOCK_TEXT:
    case LLM_BLOCK_REFUSAL:
        llm_responses_print_string("{\"type\":\"input_text\",\"text\":",
                                   &block->text, w->out);
        llm_buf_puts(w->out, "}");
        return LLM_OK;

    case LLM_BLOCK_IMAGE:

        if (block->source == LLM_SOURCE_FILE) {
            return llm_responses_unsupported(w, "this model's provider does "
                                             "not have another's files");
        }

        llm_buf_puts(w->out, "{\"type\":\"input_image\",\"detail\":\"auto\","
                             "\"image_url\":");
        llm_responses_write_data(block, w->out);
        llm_buf_puts(w->out, "}");
        return LLM_OK;

    case LLM_BLOCK_DOCUMENT:
        return llm_responses_write_document(w, block);

    default:
        return llm_responses_unsupported(w, "this model's provider takes "
                                         "neither audio nor video here");
    }
}


static int
llm_responses_write_document(llm_responses_write_t *w,
    const llm_block_t *block)
{
    llm_buf_t   b;

    switch (block->source) {

    case LLM_SOURCE_TEXT:
        llm_buf_init(&b, w->x->arena);

        if (block->name.len) {
            llm_buf_add(&b, block->name.data, block->name.len);
            llm_buf_puts(&b, ":\n");
        }

        llm_buf_add(&b, block->data.data, block->data.len);

        llm_buf_puts(w->out, "{\"type\":\"input_text\",\"text\":");
        llm_buf_json(w->out, b.data, b.len);
        llm_buf_puts(w->out, "}");

        return b.failed ? LLM_NOMEM : LLM_OK;

    case LLM_SOURCE_BASE64:
        llm_buf_puts(w->out, "{\"type\":\"input_file\",\"filename\":");

        if (block->name.len) {
            llm_buf_json(w->out, block->name.data, block->name.len);

        } else {
            llm_buf_puts(w->out, "\"document.pdf\"");
        }

        llm_buf_puts(w->out, ",\"file_data\":");
        llm_responses_write_data(block, w->out);
        llm_buf_puts(w->out, "}");
        return LLM_OK;

    case LLM_SOURCE_URL:
        llm_responses_print_string("{\"type\":\"input_file\",\"file_url\":",
                                   &block->data, w->out);
        llm_buf_puts(w->out, "}");
        return LLM_OK;

    default:
        return llm_responses_unsupported(w, "this model's provider does not "
                                         "have another's files");
    }
}


static int
llm_responses_write_id(llm_responses_write_t *w, const llm_str_t *id)
{
    int        rc;
    llm_str_t  mapped;

    static const llm_name_rule_t  rule = { 64, 0, 0, 0 };

    rc = llm_id_map(w->x->arena, &rule, id, &mapped);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_json(w->out, mapped.data, mapped.len);

    return LLM_OK;
}


static void
llm_responses_write_open(llm_responses_write_t *w, const char *item)
{
    llm_buf_puts(w->out, w->nitems++ ? "," : "");
    llm_buf_puts(w->out, item);
}


static void
llm_responses_write_data(const llm_block_t *block, llm_buf_t *out)
{
    if (block->source == LLM_SOURCE_URL) {
        llm_buf_json(out, block->data.data, block->data.len);
        return;
    }

    llm_form_print_data_url(&block->mime, &block->data, out);
}


static int
llm_responses_unsupported(llm_responses_write_t *w, const char *message)
{
    return llm_translate_refuse(w->err, LLM_ERROR_UNTRANSLATABLE,
                                llm_form_param(w->x->form), message);
}
