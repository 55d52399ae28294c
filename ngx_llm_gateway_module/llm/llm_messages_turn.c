
/* the turns of a form, as a request in Anthropic's protocol has them */


#include "llm_base64.h"
#include "llm_messages.h"


typedef enum {
    LLM_MESSAGES_RESULTS = 0,
    LLM_MESSAGES_OTHERS
} llm_messages_pass_e;


static const llm_turn_t *llm_messages_write_system(llm_messages_writer_t *w);
static int llm_messages_write_run(llm_messages_writer_t *w,
    const llm_claude_run_t *run, llm_error_t *err);
static unsigned llm_messages_usable(const llm_translate_t *x,
    const llm_block_t *block);
static int llm_messages_write_block(llm_messages_writer_t *w,
    const llm_block_t *block, unsigned trim, llm_error_t *err);
static void llm_messages_write_text(llm_messages_writer_t *w,
    const llm_str_t *text, unsigned trim);
static int llm_messages_write_call(llm_messages_writer_t *w,
    const llm_block_t *block);
static int llm_messages_write_result(llm_messages_writer_t *w,
    const llm_block_t *block, llm_error_t *err);
static int llm_messages_write_image(llm_messages_writer_t *w,
    const llm_block_t *block, llm_error_t *err);
static int llm_messages_write_document(llm_messages_writer_t *w,
    const llm_block_t *block, llm_error_t *err);
static int llm_messages_write_elsewhere(llm_messages_writer_t *w,
    const llm_block_t *block, llm_error_t *err);
static void llm_messages_write_base64(llm_messages_writer_t *w,
    const char *type, const llm_block_t *block);


/* what a tool's id may be made of; as long as other protocols have them */

static const llm_name_rule_t  llm_messages_ids = { 128, 0, 0, 0 };


int
llm_messages_write_turns(llm_messages_writer_t *w, llm_error_t *err)
{
    int                rc;
    unsigned           n;
    const llm_turn_t  *turn;
    llm_claude_run_t   run;

    static const char  *names[] = { "system", "user", "assistant" };

    turn = llm_messages_write_system(w);

    llm_buf_puts(w->out, ",\"messages\":[");

    for (n = 0; llm_claude_run(w->x, turn, llm_messages_usable, &run);
         turn = run.end)
    {
        if (n == 0 && run.role != LLM_ROLE_USER) {
            llm_buf_puts(w->out, "{\"role\":\"user\",\"content\":\".\"}");
            n++;
        }

        llm_buf_puts(w->out, n++ ? ",{\"role\":\"" : "{\"role\":\"");
        llm_buf_puts(w->out, names[run.role]);
        llm_buf_puts(w->out, "\",\"content\":[");

        rc = llm_messages_write_run(w, &run, err);

        if (rc != LLM_OK) {
            return rc;
        }

        llm_buf_puts(w->out, "]}");
    }

    if (n == 0) {
        llm_buf_puts(w->out, "{\"role\":\"user\",\"content\":\".\"}");
    }

    llm_buf_puts(w->out, "]");

    return LLM_OK;
}


/* the system turns at the front; what follows them is returned */

static const llm_turn_t *
llm_messages_write_system(llm_messages_writer_t *w)
{
    const char         *comma;
    const llm_turn_t   *turn;
    const llm_block_t  *block;

    comma = ",\"system\":[";

    turn = w->form->turns;
    block = NULL;

    while ((block = llm_claude_system(&turn, block)) != NULL) {
        llm_buf_puts(w->out, comma);
        llm_messages_write_text(w, &block->text, 0);
        llm_messages_write_cache(w, block->cache);
        llm_buf_puts(w->out, "}");
        comma = ",";
    }

    if (w->form->output == LLM_OUTPUT_JSON) {
        llm_buf_puts(w->out, comma);
        llm_buf_puts(w->out, "{\"type\":\"text\",\"text\":\"Respond with a "
                             "single JSON object and nothing else.\"}");
        comma = ",";
    }

    if (comma[1] == '\0') {
        llm_buf_puts(w->out, "]");
    }

    return turn;
}


/* results of tools come first in a message */

static int
llm_messages_write_run(llm_messages_writer_t *w, const llm_claude_run_t *run,
    llm_error_t *err)
{
    int                  rc;
    unsigned             n;
    const llm_turn_t    *turn;
    const llm_block_t   *block, *final;
    llm_messages_pass_e  pass;

    n = 0;
    final = NULL;

    if (run->last && run->role == LLM_ROLE_ASSISTANT) {

        for (turn = run->first; turn; turn = turn->next) {
            for (block = turn->blocks; block; block = block->next) {
                final = llm_messages_usable(w->x, block) ? block : final;
            }
        }
    }

    for (pass = LLM_MESSAGES_RESULTS; pass <= LLM_MESSAGES_OTHERS; pass++) {

        for (turn = run->first; turn != run->end; turn = turn->next) {

            for (block = turn->blocks; block; block = block->next) {

                if (!llm_messages_usable(w->x, block)
                    || (block->kind == LLM_BLOCK_TOOL_RESULT)
                       != (pass == LLM_MESSAGES_RESULTS))
                {
                    continue;
                }

                if (n++) {
                    llm_buf_puts(w->out, ",");
                }

                rc = llm_messages_write_block(w, block, block == final, err);

                if (rc != LLM_OK) {
                    return rc;
                }
            }
        }
    }

    return LLM_OK;
}


/* reasoning goes back only to who signed it, blank texts are refused */

static unsigned
llm_messages_usable(const llm_translate_t *x, const llm_block_t *block)
{
    switch (block->kind) {

    case LLM_BLOCK_TEXT:
    case LLM_BLOCK_REFUSAL:
        return !llm_claude_blank(&block->text);

    case LLM_BLOCK_THINKING:
    case LLM_BLOCK_REDACTED:
        return block->state.kind == LLM_STATE_ANTHROPIC;

    default:
        return 1;
    }
}


/* trim: the answer goes on behind this text, which must not end in spaces */

static int
llm_messages_write_block(llm_messages_writer_t *w, const llm_block_t *block,
    unsigned trim, llm_error_t *err)
{
    int  rc;

    rc = LLM_OK;

    switch (block->kind) {

    case LLM_BLOCK_TEXT:
    case LLM_BLOCK_REFUSAL:
        llm_messages_write_text(w, &block->text, trim);
        break;

    case LLM_BLOCK_THINKING:
        llm_buf_puts(w->out, "{\"type\":\"thinking\",\"thinking\":");
        llm_buf_json(w->out, block->text.data, block->text.len);
        llm_buf_puts(w->out, ",\"signature\":");
        llm_buf_json(w->out, block->state.data.data, block->state.data.len);
        llm_buf_puts(w->out, "}");
        return LLM_OK;

    case LLM_BLOCK_REDACTED:
        llm_buf_puts(w->out, "{\"type\":\"redacted_thinking\",\"data\":");
        llm_buf_json(w->out, block->state.data.data, block->state.data.len);
        llm_buf_puts(w->out, "}");
        return LLM_OK;

    case LLM_BLOCK_TOOL_CALL:
        rc = llm_messages_write_call(w, block);
        break;

    case LLM_BLOCK_TOOL_RESULT:
        rc = llm_messages_write_result(w, block, err);
        break;

    case LLM_BLOCK_IMAGE:
        rc = llm_messages_write_image(w, block, err);
        break;

    case LLM_BLOCK_DOCUMENT:
        rc = llm_messages_write_document(w, block, err);
        break;

    case LLM_BLOCK_AUDIO:
    case LLM_BLOCK_VIDEO:
        return llm_translate_refuse(err, LLM_ERROR_UNTRANSLATABLE,
                                    llm_form_param(w->form),
                                    "this model takes no audio and no video");
    }

    if (rc != LLM_OK) {
        return rc;
    }

    llm_messages_write_cache(w, block->cache);
    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


/* this and those below leave the block open for a cache breakpoint */

static void
llm_messages_write_text(llm_messages_writer_t *w, const llm_str_t *text,
    unsigned trim)
{
    size_t  len;

    len = text->len;

    while (trim && len
           && (text->data[len - 1] == ' '
               || (text->data[len - 1] >= '\t' && text->data[len - 1] <= '\r')))
    {
        len--;
    }

    llm_buf_puts(w->out, "{\"type\":\"text\",\"text\":");
    llm_buf_json(w->out, text->data, len);
}


static int
llm_messages_write_call(llm_messages_writer_t *w, const llm_block_t *block)
{
    llm_str_t  id, name;

    if (llm_id_map(w->x->arena, &llm_messages_ids, &block->id, &id) != LLM_OK
        || llm_messages_name(w, &block->name, &name) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    llm_buf_puts(w->out, "{\"type\":\"tool_use\",\"id\":");
    llm_buf_json(w->out, id.data, id.len);
    llm_buf_puts(w->out, ",\"name\":");
    llm_buf_json(w->out, name.data, name.len);
    llm_buf_puts(w->out, ",\"input\":");
    llm_buf_add(w->out, block->json.data, block->json.len);

    return LLM_OK;
}


static int
llm_messages_write_result(llm_messages_writer_t *w, const llm_block_t *block,
    llm_error_t *err)
{
    int                 rc;
    const char         *comma;
    llm_str_t           id;
    const llm_block_t  *inner;

    if (llm_id_map(w->x->arena, &llm_messages_ids, &block->id, &id)
        != LLM_OK)
    {
        return LLM_NOMEM;
    }

    llm_buf_puts(w->out, "{\"type\":\"tool_result\",\"tool_use_id\":");
    llm_buf_json(w->out, id.data, id.len);

    if (block->error) {
        llm_buf_puts(w->out, ",\"is_error\":true");
    }

    if (block->json.len) {
        llm_buf_puts(w->out, ",\"content\":");
        llm_buf_json(w->out, block->json.data, block->json.len);
        return LLM_OK;
    }

    inner = block->content;

    if (inner && inner->next == NULL && inner->kind == LLM_BLOCK_TEXT) {

        if (inner->text.len) {
            llm_buf_puts(w->out, ",\"content\":");
            llm_buf_json(w->out, inner->text.data, inner->text.len);
        }

        return LLM_OK;
    }

    comma = ",\"content\":[";

    for ( /* void */ ; inner; inner = inner->next) {

        if (!llm_messages_usable(w->x, inner)) {
            continue;
        }

        llm_buf_puts(w->out, comma);
        comma = ",";

        rc = llm_messages_write_block(w, inner, 0, err);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (comma[1] == '\0') {
        llm_buf_puts(w->out, "]");
    }

    return LLM_OK;
}


static int
llm_messages_write_image(llm_messages_writer_t *w, const llm_block_t *block,
    llm_error_t *err)
{
    if (block->source != LLM_SOURCE_BASE64) {
        llm_buf_puts(w->out, "{\"type\":\"image\",\"source\":");
        return llm_messages_write_elsewhere(w, block, err);
    }

    if (!llm_str_is(&block->mime, "image/jpeg")
        && !llm_str_is(&block->mime, "image/png")
        && !llm_str_is(&block->mime, "image/gif")
        && !llm_str_is(&block->mime, "image/webp"))
    {
        return llm_translate_refuse(err, LLM_ERROR_UNTRANSLATABLE,
                                    llm_form_param(w->form),
                                    "this model takes images as JPEG, PNG, "
                                    "GIF or WebP");
    }

    llm_messages_write_base64(w, "image", block);

    return LLM_OK;
}


static int
llm_messages_write_document(llm_messages_writer_t *w,
    const llm_block_t *block, llm_error_t *err)
{
    int        rc;
    llm_buf_t  text;

    rc = LLM_OK;

    if (block->source == LLM_SOURCE_TEXT
        || (block->source == LLM_SOURCE_BASE64 && block->mime.len > 5
            && memcmp(block->mime.data, "text/", 5) == 0))
    {
        llm_buf_puts(w->out, "{\"type\":\"document\",\"source\":{\"type\":"
                             "\"text\",\"media_type\":\"text/plain\","
                             "\"data\":");

        if (block->source == LLM_SOURCE_TEXT) {
            llm_buf_json(w->out, block->data.data, block->data.len);

        } else {
            llm_buf_init(&text, w->x->arena);

            rc = llm_base64_decode(&text, &block->data);

            if (rc == LLM_INVALID) {
                return llm_translate_refuse(err, LLM_ERROR_BAD_REQUEST,
                                            "messages",
                                            "a document is no base64");
            }

            if (rc != LLM_OK) {
                return LLM_NOMEM;
            }

            llm_buf_json(w->out, text.data, text.len);
        }

        llm_buf_puts(w->out, "}");

    } else if (block->source != LLM_SOURCE_BASE64) {
        llm_buf_puts(w->out, "{\"type\":\"document\",\"source\":");
        rc = llm_messages_write_elsewhere(w, block, err);

    } else if (llm_str_is(&block->mime, "application/pdf")) {
        llm_messages_write_base64(w, "document", block);

    } else {
        return llm_translate_refuse(err, LLM_ERROR_UNTRANSLATABLE,
                                    llm_form_param(w->form),
                                    "this model takes documents as PDF or "
                                    "text");
    }

    if (rc == LLM_OK && block->name.len) {
        llm_buf_puts(w->out, ",\"title\":");
        llm_buf_json(w->out, block->name.data, block->name.len);
    }

    return rc;
}


/* a source that the provider is to fetch itself */

static int
llm_messages_write_elsewhere(llm_messages_writer_t *w,
    const llm_block_t *block, llm_error_t *err)
{
    llm_str_t  beta;

    if (block->source == LLM_SOURCE_URL) {

        if (llm_claude_hosted(w->x->to)) {
            return llm_translate_refuse(err, LLM_ERROR_UNTRANSLATABLE,
                                        "messages", "remote images and "
                                        "documents are not supported by this "
                                        "upstream, send them as base64");
        }

        llm_buf_puts(w->out, "{\"type\":\"url\",\"url\":");
        llm_buf_json(w->out, block->data.data, block->data.len);
        llm_buf_puts(w->out, "}");

        return LLM_OK;
    }

    if (block->source != LLM_SOURCE_FILE || block->data.len < 5
        || memcmp(block->data.data, "file_", 5) != 0)
    {
        return llm_translate_refuse(err, LLM_ERROR_UNTRANSLATABLE,
                                    llm_form_param(w->form),
                                    "files of another provider cannot be "
                                    "used with this model");
    }

    beta.data = (unsigned char *) "files-api-2025-04-14";
    beta.len = strlen((char *) beta.data);

    llm_claude_betas(w->x, &beta, &w->betas);

    llm_buf_puts(w->out, "{\"type\":\"file\",\"file_id\":");
    llm_buf_json(w->out, block->data.data, block->data.len);
    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


static void
llm_messages_write_base64(llm_messages_writer_t *w, const char *type,
    const llm_block_t *block)
{
    llm_buf_puts(w->out, "{\"type\":\"");
    llm_buf_puts(w->out, type);
    llm_buf_puts(w->out, "\",\"source\":{\"type\":\"base64\","
                         "\"media_type\":");
    llm_buf_json(w->out, block->mime.data, block->mime.len);
    llm_buf_puts(w->out, ",\"data\":");
    llm_buf_json(w->out, block->data.data, block->data.len);
    llm_buf_puts(w->out, "}");
}
