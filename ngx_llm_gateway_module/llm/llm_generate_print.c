
/* Gemini's dialect: an answer to a client, whole; chunks: _stream.c */


#include "llm_generate.h"


static void llm_generate_print_block(llm_translate_t *x,
    const llm_block_t *block, llm_str_t *carried, unsigned *n,
    llm_buf_t *out);
static const char *llm_generate_reason(llm_stop_e stop, unsigned refused);


void
llm_generate_print(llm_translate_t *x, const llm_message_t *m, llm_buf_t *out)
{
    unsigned             n, refused;
    llm_str_t            carried;
    const llm_note_t    *note;
    const llm_block_t   *block;

    n = 0;
    refused = 0;

    carried.len = 0;
    carried.data = NULL;

    llm_buf_puts(out, "{\"candidates\":[{\"content\":{\"parts\":[");

    for (block = m->blocks; block; block = block->next) {
        llm_generate_print_block(x, block, &carried, &n, out);

        refused |= (block->kind == LLM_BLOCK_REFUSAL);
    }

    if (n == 0) {
        llm_buf_puts(out, "{\"text\":\"\"}");
    }

    llm_buf_puts(out, "],\"role\":\"model\"}");

    if (m->notes) {
        llm_buf_puts(out, ",\"groundingMetadata\":{\"groundingChunks\":[");

        for (note = m->notes; note; note = note->next) {
            llm_generate_print_note(&note->url, &note->title, out);

            if (note->next) {
                llm_buf_puts(out, ",");
            }
        }

        llm_buf_puts(out, "]}");
    }

    llm_generate_print_reason(m->stop, refused, out);

    llm_buf_puts(out, ",\"index\":0}]");

    llm_generate_print_tail(x, &m->id, &m->model, 1, out);

    llm_buf_puts(out, "}");
}


/* what cannot be shown is carried to the call that comes next */

static void
llm_generate_print_block(llm_translate_t *x, const llm_block_t *block,
    llm_str_t *carried, unsigned *n, llm_buf_t *out)
{
    llm_generate_carry_t   carry;
    llm_generate_piece_t   piece;

    memset(&piece, 0, sizeof(llm_generate_piece_t));

    piece.kind = block->kind;
    piece.name = &block->name;
    piece.id = &block->id;
    piece.text = &block->text;

    memset(&carry, 0, sizeof(llm_generate_carry_t));

    carry.state = block->state;

    switch (block->kind) {

    case LLM_BLOCK_THINKING:

        if (x->form->thoughts == 1) {
            break;
        }

        /* fall through */

    case LLM_BLOCK_REDACTED:
        carry.text = block->text;
        carry.redacted = (block->kind == LLM_BLOCK_REDACTED);

        if (llm_generate_carry_print(x->arena, &carry, carried) != LLM_OK) {
            out->failed = 1;
        }

        return;

    case LLM_BLOCK_TOOL_CALL:
        piece.text = &block->json;
        break;

    case LLM_BLOCK_IMAGE:
    case LLM_BLOCK_AUDIO:
    case LLM_BLOCK_VIDEO:
        piece.name = &block->mime;
        piece.text = &block->data;
        break;

    default:
        break;
    }

    if (block->state.kind == LLM_STATE_NONE) {

        if (block->kind == LLM_BLOCK_TOOL_CALL) {
            piece.signature = *carried;
            carried->len = 0;
        }

    } else if (llm_generate_carry_print(x->arena, &carry, &piece.signature)
               != LLM_OK)
    {
        out->failed = 1;
    }

    if (piece.text->len == 0 && piece.signature.len == 0) {
        return;
    }

    if ((*n)++) {
        llm_buf_puts(out, ",");
    }

    llm_generate_print_piece(&piece, out);
}


void
llm_generate_print_piece(const llm_generate_piece_t *p, llm_buf_t *out)
{
    switch (p->kind) {

    case LLM_BLOCK_TOOL_CALL:
        llm_buf_puts(out, "{\"functionCall\":{\"id\":");
        llm_buf_json(out, p->id->data, p->id->len);
        llm_buf_puts(out, ",\"name\":");
        llm_buf_json(out, p->name->data, p->name->len);
        llm_buf_puts(out, ",\"args\":");
        llm_form_print_raw(out, p->text);
        llm_buf_puts(out, "}");
        break;

    case LLM_BLOCK_IMAGE:
    case LLM_BLOCK_AUDIO:
    case LLM_BLOCK_VIDEO:
        llm_buf_puts(out, "{\"inlineData\":{\"mimeType\":");
        llm_buf_json(out, p->name->data, p->name->len);
        llm_buf_puts(out, ",\"data\":");
        llm_buf_json(out, p->text->data, p->text->len);
        llm_buf_puts(out, "}");
        break;

    default:
        llm_buf_puts(out, "{\"text\":");
        llm_buf_json(out, p->text->data, p->text->len);
    }

    if (p->kind == LLM_BLOCK_THINKING) {
        llm_buf_puts(out, ",\"thought\":true");
    }

    if (p->signature.len) {
        llm_buf_puts(out, ",\"thoughtSignature\":");
        llm_buf_json(out, p->signature.data, p->signature.len);
    }

    llm_buf_puts(out, "}");
}


void
llm_generate_print_note(const llm_str_t *url, const llm_str_t *title,
    llm_buf_t *out)
{
    llm_buf_puts(out, "{\"web\":{\"uri\":");
    llm_buf_json(out, url->data, url->len);

    if (title->len) {
        llm_buf_puts(out, ",\"title\":");
        llm_buf_json(out, title->data, title->len);
    }

    llm_buf_puts(out, "}}");
}


void
llm_generate_print_reason(llm_stop_e stop, unsigned refused, llm_buf_t *out)
{
    llm_buf_puts(out, ",\"finishReason\":\"");
    llm_buf_puts(out, llm_generate_reason(stop, refused));
    llm_buf_puts(out, "\"");
}


static const char *
llm_generate_reason(llm_stop_e stop, unsigned refused)
{
    switch (stop) {

    case LLM_STOP_LENGTH:
        return "MAX_TOKENS";

    case LLM_STOP_FILTER:
    case LLM_STOP_REFUSAL:
        return "SAFETY";

    default:
        return refused ? "SAFETY" : "STOP";
    }
}


/* thoughts stand beside the candidates, cached tokens inside the prompt */

void
llm_generate_print_tail(const llm_translate_t *x, const llm_str_t *id,
    const llm_str_t *model, unsigned usage, llm_buf_t *out)
{
    if (usage && x->has_usage) {
        llm_generate_print_usage(&x->usage, out);
    }

    llm_buf_puts(out, ",\"modelVersion\":");

    if (model->len == 0) {
        model = &x->conf->model;
    }

    llm_buf_json(out, model->data, model->len);

    llm_buf_puts(out, ",\"responseId\":");

    if (id->len == 0) {
        id = &x->conf->id;
    }

    llm_buf_json(out, id->data, id->len);
}


void
llm_generate_print_usage(const llm_usage_t *u, llm_buf_t *out)
{
    int64_t  input, output, thoughts, cached;

    input = llm_usage_input(u);
    output = llm_usage_output(u);
    thoughts = u->units[LLM_USAGE_REASONING];
    cached = u->units[LLM_USAGE_CACHE_READ];

    llm_buf_puts(out, ",\"usageMetadata\":{\"promptTokenCount\":");
    llm_buf_int(out, input);
    llm_buf_puts(out, ",\"candidatesTokenCount\":");
    llm_buf_int(out, output > thoughts ? output - thoughts : 0);
    llm_buf_puts(out, ",\"totalTokenCount\":");
    llm_buf_int(out, input + output);

    if (cached) {
        llm_buf_puts(out, ",\"cachedContentTokenCount\":");
        llm_buf_int(out, cached);
    }

    if (thoughts) {
        llm_buf_puts(out, ",\"thoughtsTokenCount\":");
        llm_buf_int(out, thoughts);
    }

    llm_buf_puts(out, "}");
}
