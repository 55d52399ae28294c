
/* the turns of a form, as Bedrock's Converse API has them */


#include "llm_base64.h"
#include "llm_converse.h"

#include <stdio.h>


#define LLM_CONVERSE_MAX_TITLE  180


typedef enum {
    LLM_CONVERSE_RESULTS = 0,
    LLM_CONVERSE_OTHERS
} llm_converse_pass_e;


typedef struct {
    const char      *mime;
    const char      *format;
} llm_converse_format_t;


static void llm_converse_write_system(llm_converse_writer_t *w);
static int llm_converse_write_run(llm_converse_writer_t *w,
    const llm_claude_run_t *run, llm_error_t *err);
static unsigned llm_converse_usable(const llm_translate_t *x,
    const llm_block_t *block);
static int llm_converse_write_block(llm_converse_writer_t *w,
    const llm_block_t *block, llm_error_t *err);
static void llm_converse_write_text(llm_converse_writer_t *w,
    const llm_str_t *text);
static void llm_converse_write_reasoning(llm_converse_writer_t *w,
    const llm_block_t *block);
static int llm_converse_write_call(llm_converse_writer_t *w,
    const llm_block_t *block);
static int llm_converse_write_result(llm_converse_writer_t *w,
    const llm_block_t *block, llm_error_t *err);
static int llm_converse_write_media(llm_converse_writer_t *w,
    const llm_block_t *block, llm_error_t *err);
static void llm_converse_write_title(llm_converse_writer_t *w,
    const llm_block_t *block);
static int llm_converse_write_source(llm_converse_writer_t *w,
    const llm_block_t *block, llm_error_t *err);
static const char *llm_converse_format(const llm_block_t *block);


static const llm_converse_format_t  llm_converse_formats[] = {
    { "image/png",       "png" },
    { "image/jpeg",      "jpeg" },
    { "image/gif",       "gif" },
    { "image/webp",      "webp" },
    { "application/pdf", "pdf" },
    { "text/csv",        "csv" },
    { "text/html",       "html" },
    { "text/markdown",   "md" },
    { "text/plain",      "txt" },
    { "application/msword", "doc" },
    { "application/vnd.openxmlformats-officedocument.wordprocessingml."
      "document",        "docx" },
    { "application/vnd.ms-excel", "xls" },
    { "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
      "xlsx" },
    { "audio/mpeg",      "mp3" },
    { "audio/mp3",       "mp3" },
    { "audio/wav",       "wav" },
    { "audio/ogg",       "ogg" },
    { "audio/flac",      "flac" },
    { "video/mp4",       "mp4" },
    { "video/webm",      "webm" },
    { "video/quicktime", "mov" },
    { "video/x-matroska", "mkv" },
    { NULL,              NULL }
};


int
llm_converse_write_turns(llm_converse_writer_t *w, llm_error_t *err)
{
    int                rc;
    unsigned           n;
    const llm_turn_t  *turn;
    llm_claude_run_t   run;

    for (turn = w->form->turns;
         turn && turn->role == LLM_ROLE_SYSTEM;
         turn = turn->next)
    {
        /* void */
    }

    llm_buf_puts(w->out, "\"messages\":[");

    for (n = 0; llm_claude_run(w->x, turn, llm_converse_usable, &run);
         turn = run.end)
    {
        if (n == 0 && run.role == LLM_ROLE_ASSISTANT) {
            llm_buf_puts(w->out, "{\"role\":\"user\",\"content\":"
                                 "[{\"text\":\".\"}]}");
            n++;
        }

        llm_buf_puts(w->out, n++ ? ",{\"role\":\"" : "{\"role\":\"");
        llm_buf_puts(w->out, run.role == LLM_ROLE_ASSISTANT
                             ? "assistant\",\"content\":["
                             : "user\",\"content\":[");

        rc = llm_converse_write_run(w, &run, err);

        if (rc != LLM_OK) {
            return rc;
        }

        llm_buf_puts(w->out, "]}");
    }

    if (n == 0) {
        llm_buf_puts(w->out, "{\"role\":\"user\",\"content\":"
                             "[{\"text\":\".\"}]}");
    }

    llm_buf_puts(w->out, "]");
    llm_converse_write_system(w);

    return LLM_OK;
}


static void
llm_converse_write_system(llm_converse_writer_t *w)
{
    const char         *comma;
    const llm_turn_t   *turn;
    const llm_block_t  *block;

    comma = ",\"system\":[";

    turn = w->form->turns;
    block = NULL;

    while ((block = llm_claude_system(&turn, block)) != NULL) {
        llm_buf_puts(w->out, comma);
        llm_converse_write_text(w, &block->text);
        llm_converse_write_cache(w, block->cache);
        comma = ",";
    }

    if (w->form->output == LLM_OUTPUT_JSON) {
        llm_buf_puts(w->out, comma);
        llm_buf_puts(w->out, "{\"text\":\"Respond with a single JSON object "
                             "and nothing else.\"}");
        comma = ",";
    }

    if (comma[1] == '\0') {
        llm_buf_puts(w->out, "]");
    }
}


/* results of tools come first; a document does not stand without a text */

static int
llm_converse_write_run(llm_converse_writer_t *w, const llm_claude_run_t *run,
    llm_error_t *err)
{
    int                  rc;
    unsigned             n, texts, documents;
    const llm_turn_t    *turn;
    const llm_block_t   *block;
    llm_converse_pass_e  pass;

    n = 0;
    texts = 0;
    documents = 0;

    for (pass = LLM_CONVERSE_RESULTS; pass <= LLM_CONVERSE_OTHERS; pass++) {

        for (turn = run->first; turn != run->end; turn = turn->next) {

            for (block = turn->blocks; block; block = block->next) {

                if (!llm_converse_usable(w->x, block)
                    || (block->kind == LLM_BLOCK_TOOL_RESULT)
                       != (pass == LLM_CONVERSE_RESULTS))
                {
                    continue;
                }

                llm_buf_puts(w->out, n++ ? "," : "");

                rc = llm_converse_write_block(w, block, err);

                if (rc != LLM_OK) {
                    return rc;
                }

                texts += (block->kind == LLM_BLOCK_TEXT);
                documents += (block->kind == LLM_BLOCK_DOCUMENT);

                llm_converse_write_cache(w, block->cache);
            }
        }
    }

    if (documents && !texts) {
        llm_buf_puts(w->out, ",{\"text\":\".\"}");
    }

    return LLM_OK;
}


static unsigned
llm_converse_usable(const llm_translate_t *x, const llm_block_t *block)
{
    switch (block->kind) {

    case LLM_BLOCK_TEXT:
    case LLM_BLOCK_REFUSAL:
        return !llm_claude_blank(&block->text);

    case LLM_BLOCK_THINKING:
    case LLM_BLOCK_REDACTED:
        return block->state.kind != LLM_STATE_NONE
               && block->state.kind
                  == llm_converse_state(llm_converse_family(&x->to->model));

    default:
        return 1;
    }
}


static int
llm_converse_write_block(llm_converse_writer_t *w, const llm_block_t *block,
    llm_error_t *err)
{
    switch (block->kind) {

    case LLM_BLOCK_TEXT:
    case LLM_BLOCK_REFUSAL:
        llm_converse_write_text(w, &block->text);
        return LLM_OK;

    case LLM_BLOCK_THINKING:
    case LLM_BLOCK_REDACTED:
        llm_converse_write_reasoning(w, block);
        return LLM_OK;

    case LLM_BLOCK_TOOL_CALL:
        w->called = 1;
        return llm_converse_write_call(w, block);

    case LLM_BLOCK_TOOL_RESULT:
        w->called = 1;
        return llm_converse_write_result(w, block, err);

    default:
        return llm_converse_write_media(w, block, err);
    }
}


static void
llm_converse_write_text(llm_converse_writer_t *w, const llm_str_t *text)
{
    llm_buf_puts(w->out, "{\"text\":");
    llm_buf_json(w->out, text->data, text->len);
    llm_buf_puts(w->out, "}");
}


/* what is redacted is base64 of what Anthropic calls its data */

static void
llm_converse_write_reasoning(llm_converse_writer_t *w,
    const llm_block_t *block)
{
    const llm_str_t  *data;

    data = &block->state.data;

    if (block->kind == LLM_BLOCK_REDACTED) {
        llm_buf_puts(w->out, "{\"reasoningContent\":{\"redactedContent\":\"");
        llm_base64_encode(w->out, data->data, data->len);
        llm_buf_puts(w->out, "\"}}");
        return;
    }

    llm_buf_puts(w->out, "{\"reasoningContent\":{\"reasoningText\":"
                         "{\"text\":");
    llm_buf_json(w->out, block->text.data, block->text.len);
    llm_buf_puts(w->out, ",\"signature\":");
    llm_buf_json(w->out, data->data, data->len);
    llm_buf_puts(w->out, "}}}");
}


static int
llm_converse_write_call(llm_converse_writer_t *w, const llm_block_t *block)
{
    llm_str_t  id, name;

    if (llm_converse_id(w, &block->id, &id) != LLM_OK
        || llm_converse_name(w, &block->name, &name) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    llm_buf_puts(w->out, "{\"toolUse\":{\"toolUseId\":");
    llm_buf_json(w->out, id.data, id.len);
    llm_buf_puts(w->out, ",\"name\":");
    llm_buf_json(w->out, name.data, name.len);
    llm_buf_puts(w->out, ",\"input\":");
    llm_buf_add(w->out, block->json.data, block->json.len);
    llm_buf_puts(w->out, "}}");

    return LLM_OK;
}


static int
llm_converse_write_result(llm_converse_writer_t *w, const llm_block_t *block,
    llm_error_t *err)
{
    int                 rc;
    unsigned            n;
    llm_str_t           id;
    const llm_block_t  *inner;

    if (llm_converse_id(w, &block->id, &id) != LLM_OK) {
        return LLM_NOMEM;
    }

    llm_buf_puts(w->out, "{\"toolResult\":{\"toolUseId\":");
    llm_buf_json(w->out, id.data, id.len);
    llm_buf_puts(w->out, ",\"content\":[");

    n = 0;

    if (block->json.len) {
        llm_buf_puts(w->out, "{\"json\":");
        llm_buf_add(w->out, block->json.data, block->json.len);
        llm_buf_puts(w->out, "}");
        n++;
    }

    for (inner = block->content; inner; inner = inner->next) {

        if (!llm_converse_usable(w->x, inner)) {
            continue;
        }

        llm_buf_puts(w->out, n++ ? "," : "");

        rc = llm_converse_write_block(w, inner, err);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    /* some models refuse a result of nothing */

    if (n == 0) {
        llm_buf_puts(w->out, "{\"text\":\"(empty)\"}");
    }

    llm_buf_puts(w->out, block->error ? "],\"status\":\"error\"}}"
                                      : "],\"status\":\"success\"}}");

    return LLM_OK;
}


static int
llm_converse_write_media(llm_converse_writer_t *w, const llm_block_t *block,
    llm_error_t *err)
{
    int          rc;
    const char  *format;

    format = llm_converse_format(block);

    if (format == NULL) {
        return llm_translate_refuse(err, LLM_ERROR_UNTRANSLATABLE,
                                    llm_form_param(w->form),
                                    "a type of media that Bedrock does not "
                                    "take");
    }

    switch (block->kind) {

    case LLM_BLOCK_IMAGE:
        llm_buf_puts(w->out, "{\"image\":{\"format\":\"");
        break;

    case LLM_BLOCK_AUDIO:
        llm_buf_puts(w->out, "{\"audio\":{\"format\":\"");
        break;

    case LLM_BLOCK_VIDEO:
        llm_buf_puts(w->out, "{\"video\":{\"format\":\"");
        break;

    default:
        llm_buf_puts(w->out, "{\"document\":{\"format\":\"");
    }

    llm_buf_puts(w->out, format);
    llm_buf_puts(w->out, "\",");

    if (block->kind == LLM_BLOCK_DOCUMENT) {
        llm_converse_write_title(w, block);
    }

    rc = llm_converse_write_source(w, block, err);

    llm_buf_puts(w->out, "}}");

    return rc;
}


/* of plain characters, and no two the same in a request */

static void
llm_converse_write_title(llm_converse_writer_t *w, const llm_block_t *block)
{
    char           number[16];
    size_t         i, n;
    unsigned       space;
    unsigned char  c, title[LLM_CONVERSE_MAX_TITLE];

    n = 0;
    space = 0;

    for (i = 0; i < block->name.len && n + 1 < sizeof(title); i++) {
        c = block->name.data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9') || (c && strchr("-()[]", c) != NULL))
        {
            if (space && n) {
                title[n++] = ' ';
            }

            title[n++] = c;
            space = 0;
            continue;
        }

        space = 1;
    }

    llm_buf_puts(w->out, "\"name\":\"");
    llm_buf_add(w->out, title, n);

    if (n == 0) {
        llm_buf_puts(w->out, "document");
    }

    if (w->documents++) {
        (void) snprintf(number, sizeof(number), "-%u", w->documents);
        llm_buf_puts(w->out, number);
    }

    llm_buf_puts(w->out, "\",");
}


/* bytes, or an object of S3; nothing is fetched for anybody */

static int
llm_converse_write_source(llm_converse_writer_t *w, const llm_block_t *block,
    llm_error_t *err)
{
    llm_buf_puts(w->out, "\"source\":{");

    switch (block->source) {

    case LLM_SOURCE_BASE64:
        llm_buf_puts(w->out, "\"bytes\":");
        llm_buf_json(w->out, block->data.data, block->data.len);
        break;

    case LLM_SOURCE_TEXT:
        llm_buf_puts(w->out, "\"bytes\":\"");
        llm_base64_encode(w->out, block->data.data, block->data.len);
        llm_buf_puts(w->out, "\"");
        break;

    default:

        if (block->data.len < 5 || memcmp(block->data.data, "s3://", 5) != 0)
        {
            return llm_translate_refuse(err, LLM_ERROR_UNTRANSLATABLE,
                                        llm_form_param(w->form),
                                        "remote images and files are not "
                                        "supported by this upstream, send "
                                        "them as base64");
        }

        llm_buf_puts(w->out, "\"s3Location\":{\"uri\":");
        llm_buf_json(w->out, block->data.data, block->data.len);
        llm_buf_puts(w->out, "}");
    }

    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


/* by type, else by the end of the name or of the address; or NULL */

static const char *
llm_converse_format(const llm_block_t *block)
{
    size_t                        len;
    const llm_str_t              *name;
    const llm_converse_format_t  *f;

    for (f = llm_converse_formats; f->mime; f++) {

        if (strlen(f->mime) == block->mime.len
            && memcmp(f->mime, block->mime.data, block->mime.len) == 0)
        {
            return f->format;
        }
    }

    name = (block->source == LLM_SOURCE_URL || block->source
                                               == LLM_SOURCE_FILE)
           ? &block->data : &block->name;

    for (f = llm_converse_formats; f->mime; f++) {
        len = strlen(f->format);

        if (name->len > len && name->data[name->len - len - 1] == '.'
            && memcmp(name->data + name->len - len, f->format, len) == 0)
        {
            return f->format;
        }
    }

    if (block->source == LLM_SOURCE_TEXT) {
        return "txt";
    }

    /* of an address no more is known */

    return (block->source == LLM_SOURCE_URL
            && block->kind == LLM_BLOCK_IMAGE) ? "jpeg" : NULL;
}
