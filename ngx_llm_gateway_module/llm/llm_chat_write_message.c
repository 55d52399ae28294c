
/*
 * OpenAI chat completions: messages of the request to a provider.
 */


#include "llm_chat.h"


static int llm_chat_write_system(llm_chat_write_t *w,
    const llm_turn_t *turn);
static int llm_chat_write_schema(llm_chat_write_t *w);
static int llm_chat_write_user(llm_chat_write_t *w, const llm_turn_t *turn);
static int llm_chat_write_parts(llm_chat_write_t *w, const llm_turn_t *turn);
static int llm_chat_write_part_of(llm_chat_write_t *w,
    const llm_block_t *block, llm_buf_t *out);
static int llm_chat_write_document(llm_chat_write_t *w,
    const llm_block_t *block, llm_buf_t *out);
static int llm_chat_write_result(llm_chat_write_t *w,
    const llm_block_t *block);
static int llm_chat_write_returned(llm_chat_write_t *w,
    const llm_block_t *result, const llm_block_t *block);
static void llm_chat_write_text(const llm_str_t *text, llm_cache_e cache,
    llm_buf_t *out);
static void llm_chat_write_data(const llm_block_t *block, llm_buf_t *out);
static const llm_turn_t *llm_chat_asked(const llm_form_t *form);
static unsigned llm_chat_results_follow(const llm_turn_t *turn);
static unsigned llm_chat_only_text(const llm_chat_write_t *w,
    const llm_turn_t *turn);
static int llm_chat_unsupported(llm_chat_write_t *w, const char *what);


int
llm_chat_write_messages(llm_translate_t *x, llm_buf_t *out, llm_error_t *err)
{
    int                rc;
    unsigned           leading;
    llm_chat_write_t   w;
    const llm_turn_t  *turn;

    memset(&w, 0, sizeof(llm_chat_write_t));

    w.x = x;
    w.out = out;
    w.err = err;
    w.asked = llm_chat_asked(x->form);

    llm_buf_init(&w.images, x->arena);
    llm_buf_puts(out, ",\"messages\":[");

    leading = 1;

    for (turn = x->form->turns; turn; turn = turn->next) {

        if (leading && turn->role != LLM_ROLE_SYSTEM) {
            leading = 0;

            rc = llm_chat_write_schema(&w);
            if (rc != LLM_OK) {
                return rc;
            }
        }

        switch (turn->role) {

        case LLM_ROLE_SYSTEM:
            rc = llm_chat_write_system(&w, turn);
            break;

        case LLM_ROLE_USER:
            rc = llm_chat_write_user(&w, turn);
            break;

        default: /* LLM_ROLE_ASSISTANT */
            rc = llm_chat_write_assistant(&w, turn);
        }

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (leading) {
        rc = llm_chat_write_schema(&w);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (w.images.len) {
        llm_chat_write_role(&w, "user");
        llm_buf_puts(out, "[");
        llm_buf_add(out, w.images.data, w.images.len);
        llm_buf_puts(out, "]}");
    }

    llm_buf_puts(out, "]");

    return w.images.failed ? LLM_NOMEM : LLM_OK;
}


static int
llm_chat_write_system(llm_chat_write_t *w, const llm_turn_t *turn)
{
    unsigned            n, parts;
    llm_buf_t           b;
    const llm_block_t  *block;

    parts = 0;

    for (block = turn->blocks; block; block = block->next) {
        parts |= (block->cache != LLM_CACHE_NONE);
    }

    parts = parts && llm_quirk(w->x->to, CACHE_CONTROL);

    n = 0;
    llm_buf_init(&b, w->x->arena);

    for (block = turn->blocks; block; block = block->next) {

        if (block->kind != LLM_BLOCK_TEXT || block->text.len == 0
            || llm_form_billing(block))
        {
            continue;
        }

        if (parts) {
            llm_buf_puts(&b, n++ ? "," : "");
            llm_chat_write_text(&block->text, block->cache, &b);
            continue;
        }

        llm_buf_puts(&b, n++ ? "\n\n" : "");
        llm_buf_add(&b, block->text.data, block->text.len);
    }

    if (b.failed) {
        return LLM_NOMEM;
    }

    if (n == 0) {
        return LLM_OK;
    }

    llm_chat_write_role(w, "system");

    if (parts) {
        llm_buf_puts(w->out, "[");
        llm_buf_add(w->out, b.data, b.len);
        llm_buf_puts(w->out, "]}");
        return LLM_OK;
    }

    llm_buf_json(w->out, b.data, b.len);
    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


/*
 * Where a schema is not taken as such, the model is asked to keep to it.  Any
 * JSON must be asked for in words, too: OpenAI's clients know that.
 */

static int
llm_chat_write_schema(llm_chat_write_t *w)
{
    int                rc;
    llm_buf_t          b;
    const llm_form_t  *form;

    form = w->x->form;

    if (form->output == LLM_OUTPUT_TEXT
        || (!llm_quirk(w->x->to, NO_SCHEMA)
            && (form->output == LLM_OUTPUT_SCHEMA
                || form->op->protocol == LLM_PROTOCOL_OPENAI)))
    {
        return LLM_OK;
    }

    llm_buf_init(&b, w->x->arena);
    llm_buf_puts(&b, "Respond with a single JSON object and nothing else.");

    if (form->output == LLM_OUTPUT_SCHEMA) {
        llm_buf_puts(&b, " It must conform to this JSON Schema:\n");

        rc = llm_schema_print(w->x->arena, form->schema_openapi
                                           ? LLM_SCHEMA_FROM_OPENAPI
                                           : LLM_SCHEMA_PLAIN,
                              &form->schema, &b);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (b.failed) {
        return LLM_NOMEM;
    }

    llm_chat_write_role(w, "system");
    llm_buf_json(w->out, b.data, b.len);
    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


/* results of tools are messages of their own, before what the user says */

static int
llm_chat_write_user(llm_chat_write_t *w, const llm_turn_t *turn)
{
    int                 rc;
    llm_str_t           text;
    unsigned            other;
    const llm_block_t  *block;

    other = 0;

    for (block = turn->blocks; block; block = block->next) {

        if (block->kind != LLM_BLOCK_TOOL_RESULT) {
            other = 1;
            continue;
        }

        rc = llm_chat_write_result(w, block);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (!other && (w->images.len == 0 || llm_chat_results_follow(turn))) {
        return LLM_OK;
    }

    if (w->images.len == 0 && llm_chat_only_text(w, turn)) {

        rc = llm_form_text(w->x->arena, turn->blocks, "\n", &text);
        if (rc != LLM_OK) {
            return rc;
        }

        if (text.len) {
            llm_chat_write_role(w, "user");
            llm_buf_json(w->out, text.data, text.len);
            llm_buf_puts(w->out, "}");
        }

        return LLM_OK;
    }

    return llm_chat_write_parts(w, turn);
}


static int
llm_chat_write_parts(llm_chat_write_t *w, const llm_turn_t *turn)
{
    int                 rc;
    unsigned            n;
    llm_buf_t          *out;
    const llm_block_t  *block;

    out = w->out;

    llm_chat_write_role(w, "user");
    llm_buf_puts(out, "[");

    n = 0;

    if (w->images.len) {
        llm_buf_add(out, w->images.data, w->images.len);
        w->images.len = 0;
        n = 1;
    }

    for (block = turn->blocks; block; block = block->next) {

        if (block->kind == LLM_BLOCK_TOOL_RESULT
            || (block->kind == LLM_BLOCK_TEXT && block->text.len == 0))
        {
            continue;
        }

        llm_buf_puts(out, n++ ? "," : "");

        rc = llm_chat_write_part_of(w, block, out);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    llm_buf_puts(out, "]}");

    return LLM_OK;
}


static int
llm_chat_write_part_of(llm_chat_write_t *w, const llm_block_t *block,
    llm_buf_t *out)
{
    llm_cache_e  cache;

    cache = llm_quirk(w->x->to, CACHE_CONTROL) ? block->cache
                                               : LLM_CACHE_NONE;

    switch (block->kind) {

    case LLM_BLOCK_IMAGE:

        if (block->source == LLM_SOURCE_FILE) {
            return llm_chat_unsupported(w, "a file of another provider");
        }

        llm_buf_puts(out, "{\"type\":\"image_url\",\"image_url\":{\"url\":");
        llm_chat_write_data(block, out);
        llm_buf_puts(out, "}}");
        return LLM_OK;

    case LLM_BLOCK_AUDIO:

        if (block->source != LLM_SOURCE_BASE64 || block->mime.len < 7) {
            return llm_chat_unsupported(w, "audio that is not inline");
        }

        llm_buf_puts(out, "{\"type\":\"input_audio\",\"input_audio\":"
                          "{\"data\":");
        llm_buf_json(out, block->data.data, block->data.len);
        llm_buf_puts(out, ",\"format\":");

        if (llm_str_is(&block->mime, "audio/mpeg")) {
            llm_buf_puts(out, "\"mp3\"");

        } else {
            llm_buf_json(out, block->mime.data + 6, block->mime.len - 6);
        }

        llm_buf_puts(out, "}}");
        return LLM_OK;

    case LLM_BLOCK_DOCUMENT:
        return llm_chat_write_document(w, block, out);

    case LLM_BLOCK_VIDEO:
        return llm_chat_unsupported(w, "video");

    default:
        llm_chat_write_text(&block->text, cache, out);
        return LLM_OK;
    }
}


static int
llm_chat_write_document(llm_chat_write_t *w, const llm_block_t *block,
    llm_buf_t *out)
{
    llm_buf_t  b;
    llm_str_t  text;

    if (block->source == LLM_SOURCE_TEXT) {
        llm_buf_init(&b, w->x->arena);

        if (block->name.len) {
            llm_buf_add(&b, block->name.data, block->name.len);
            llm_buf_puts(&b, ":\n");
        }

        llm_buf_add(&b, block->data.data, block->data.len);

        text.data = b.data;
        text.len = b.len;

        llm_chat_write_text(&text, LLM_CACHE_NONE, out);

        return b.failed ? LLM_NOMEM : LLM_OK;
    }

    if (block->source != LLM_SOURCE_BASE64) {
        return llm_chat_unsupported(w, "a document that is not inline");
    }

    llm_buf_puts(out, "{\"type\":\"file\",\"file\":{\"filename\":");

    if (block->name.len) {
        llm_buf_json(out, block->name.data, block->name.len);

    } else {
        llm_buf_puts(out, "\"document.pdf\"");
    }

    llm_buf_puts(out, ",\"file_data\":");
    llm_chat_write_data(block, out);
    llm_buf_puts(out, "}}");

    return LLM_OK;
}


/* a tool's message holds text alone: its images follow in the user's */

static int
llm_chat_write_result(llm_chat_write_t *w, const llm_block_t *block)
{
    int                 rc;
    llm_str_t           text;
    llm_buf_t           b;
    const llm_block_t  *c;

    llm_buf_init(&b, w->x->arena);

    if (block->error) {
        llm_buf_puts(&b, "Error: ");
    }

    if (block->json.len) {
        llm_buf_add(&b, block->json.data, block->json.len);
    }

    for (c = block->content; c; c = c->next) {

        if (c != block->content) {
            llm_buf_puts(&b, "\n");
        }

        switch (c->kind) {

        case LLM_BLOCK_TEXT:
            llm_buf_add(&b, c->text.data, c->text.len);
            break;

        case LLM_BLOCK_DOCUMENT:

            if (c->source == LLM_SOURCE_TEXT) {
                llm_buf_add(&b, c->data.data, c->data.len);
                break;
            }

            /* fall through */

        default:
            llm_buf_puts(&b, c->kind == LLM_BLOCK_IMAGE
                             ? "[image: see next message]"
                             : "[file: see next message]");

            llm_buf_puts(&w->images, w->images.len ? "," : "");

            rc = llm_chat_write_returned(w, block, c);
            if (rc != LLM_OK) {
                return rc;
            }
        }
    }

    if (b.failed) {
        return LLM_NOMEM;
    }

    llm_buf_puts(w->out, w->nmessages++ ? "," : "");
    llm_buf_puts(w->out, "{\"role\":\"tool\",\"tool_call_id\":");

    rc = llm_chat_write_id(w, &block->id);
    if (rc != LLM_OK) {
        return rc;
    }

    if (llm_quirk(w->x->to, MISTRAL) && block->name.len) {
        rc = llm_chat_name(w->x, &block->name, &text);
        if (rc != LLM_OK) {
            return rc;
        }

        llm_buf_puts(w->out, ",\"name\":");
        llm_buf_json(w->out, text.data, text.len);
    }

    llm_buf_puts(w->out, ",\"content\":");
    llm_buf_json(w->out, b.data, b.len);
    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


static int
llm_chat_write_returned(llm_chat_write_t *w, const llm_block_t *result,
    const llm_block_t *block)
{
    llm_buf_t  b;
    llm_str_t  text;

    llm_buf_init(&b, w->x->arena);

    llm_buf_puts(&b, block->kind == LLM_BLOCK_IMAGE
                     ? "Image returned by tool call "
                     : "File returned by tool call ");
    llm_buf_add(&b, result->id.data, result->id.len);
    llm_buf_puts(&b, ":");

    if (b.failed) {
        return LLM_NOMEM;
    }

    text.data = b.data;
    text.len = b.len;

    llm_chat_write_text(&text, LLM_CACHE_NONE, &w->images);
    llm_buf_puts(&w->images, ",");

    return llm_chat_write_part_of(w, block, &w->images);
}


int
llm_chat_write_id(llm_chat_write_t *w, const llm_str_t *id)
{
    int        rc;
    llm_str_t  mapped;

    static const llm_name_rule_t  rule = { 40, 0, 0, 0 };
    static const llm_name_rule_t  mistral = { 9, 0, 0, 1 };

    rc = llm_id_map(w->x->arena, llm_quirk(w->x->to, MISTRAL) ? &mistral
                                                              : &rule,
                    id, &mapped);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_json(w->out, mapped.data, mapped.len);

    return LLM_OK;
}


void
llm_chat_write_role(llm_chat_write_t *w, const char *role)
{
    llm_buf_puts(w->out, w->nmessages++ ? ",{\"role\":\"" : "{\"role\":\"");
    llm_buf_puts(w->out, role);
    llm_buf_puts(w->out, "\",\"content\":");
}


static void
llm_chat_write_text(const llm_str_t *text, llm_cache_e cache, llm_buf_t *out)
{
    llm_buf_puts(out, "{\"type\":\"text\",\"text\":");
    llm_buf_json(out, text->data, text->len);

    if (cache == LLM_CACHE_5M) {
        llm_buf_puts(out, ",\"cache_control\":{\"type\":\"ephemeral\"}");

    } else if (cache == LLM_CACHE_1H) {
        llm_buf_puts(out, ",\"cache_control\":{\"type\":\"ephemeral\","
                          "\"ttl\":\"1h\"}");
    }

    llm_buf_puts(out, "}");
}


static void
llm_chat_write_data(const llm_block_t *block, llm_buf_t *out)
{
    if (block->source == LLM_SOURCE_URL) {
        llm_buf_json(out, block->data.data, block->data.len);
        return;
    }

    /* base64 needs no escapes, and a type has none that are allowed */

    llm_form_print_data_url(&block->mime, &block->data, out);
}


static const llm_turn_t *
llm_chat_asked(const llm_form_t *form)
{
    const llm_turn_t   *turn;
    const llm_block_t  *block;

    for (turn = form->end; turn; turn = turn->prev) {

        if (turn->role != LLM_ROLE_USER) {
            continue;
        }

        for (block = turn->blocks; block; block = block->next) {

            if (block->kind != LLM_BLOCK_TOOL_RESULT) {
                return turn;
            }
        }
    }

    return NULL;
}


static unsigned
llm_chat_results_follow(const llm_turn_t *turn)
{
    return turn->next
           && turn->next->role == LLM_ROLE_USER
           && turn->next->blocks
           && turn->next->blocks->kind == LLM_BLOCK_TOOL_RESULT;
}


/* text alone is written as a string, which all servers take */

static unsigned
llm_chat_only_text(const llm_chat_write_t *w, const llm_turn_t *turn)
{
    const llm_block_t  *block;

    for (block = turn->blocks; block; block = block->next) {

        if (block->kind != LLM_BLOCK_TEXT
            && block->kind != LLM_BLOCK_TOOL_RESULT)
        {
            return 0;
        }

        if (block->cache != LLM_CACHE_NONE
            && llm_quirk(w->x->to, CACHE_CONTROL)
            && !llm_quirk(w->x->to, STRING_CONTENT))
        {
            return 0;
        }
    }

    return 1;
}


static int
llm_chat_unsupported(llm_chat_write_t *w, const char *what)
{
    llm_buf_t  b;

    llm_buf_init(&b, w->x->arena);
    llm_buf_puts(&b, "this model's provider does not take ");
    llm_buf_puts(&b, what);

    if (b.failed) {
        return LLM_NOMEM;
    }

    llm_translate_refuse(w->err, LLM_ERROR_UNTRANSLATABLE,
                         llm_form_param(w->x->form), "");

    w->err->message.data = b.data;
    w->err->message.len = b.len;

    return LLM_INVALID;
}
