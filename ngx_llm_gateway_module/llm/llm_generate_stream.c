
/*
 * Gemini's dialect: an answer to a client, in chunks.  Text goes on as it
 * comes; calls, images and audio are sent whole.
 */


#include "llm_generate.h"


static void llm_generate_put_start(llm_translate_t *x, const llm_part_t *part);
static void llm_generate_put_open(llm_translate_t *x, const llm_part_t *part);
static void llm_generate_put_state(llm_translate_t *x,
    const llm_part_t *part);
static void llm_generate_put_delta(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
static unsigned llm_generate_put_at_once(const llm_translate_t *x,
    llm_block_e kind);
static void llm_generate_put_close(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
static void llm_generate_put_note(llm_translate_t *x, const llm_part_t *part);
static void llm_generate_put_stop(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
static void llm_generate_put_chunk(llm_translate_t *x,
    const llm_generate_piece_t *piece, llm_buf_t *out);
static void llm_generate_put_begin(llm_translate_t *x, llm_buf_t *out);
static void llm_generate_put_end(llm_translate_t *x, llm_buf_t *out);


void
llm_generate_print_part(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_generate_writer_t  *w;

    w = x->writer;

    switch (part->type) {

    case LLM_PART_START:
        llm_generate_put_start(x, part);
        break;

    case LLM_PART_OPEN:
        llm_generate_put_open(x, part);
        break;

    case LLM_PART_DELTA:
        llm_generate_put_delta(x, part, out);
        break;

    case LLM_PART_STATE:
        llm_generate_put_state(x, part);
        break;

    case LLM_PART_NOTE:
        llm_generate_put_note(x, part);
        break;

    case LLM_PART_CLOSE:
        llm_generate_put_close(x, part, out);
        break;

    case LLM_PART_STOP:
        llm_generate_put_stop(x, part, out);
        break;

    case LLM_PART_END:

        if (x->conf->array) {
            llm_buf_puts(out, "]");
        }

        break;

    case LLM_PART_ERROR:

        /* an array may not be open: what was told may have been held */

        x->begun = w->any;
        llm_translate_print_error(x, out);
        x->begun = 1;

        break;

    case LLM_PART_PING:

        if (!x->conf->array) {
            llm_buf_puts(out, ": keep-alive\r\n\r\n");
        }
    }
}


static void
llm_generate_put_start(llm_translate_t *x, const llm_part_t *part)
{
    llm_generate_writer_t  *w;

    w = x->writer;

    llm_buf_init(&w->held, x->arena);
    llm_buf_init(&w->notes, x->arena);

    llm_translate_dup(x, &w->id, &part->id);
    llm_translate_dup(x, &w->model, &part->name);
}


static void
llm_generate_put_open(llm_translate_t *x, const llm_part_t *part)
{
    llm_generate_writer_t  *w;

    w = x->writer;

    w->held.len = 0;

    llm_generate_put_state(x, part);

    llm_translate_dup(x, &w->call_id, &part->id);
    llm_translate_dup(x, &w->name, part->block == LLM_BLOCK_TOOL_CALL
                                   ? &part->name : &part->mime);

    if (part->block == LLM_BLOCK_REFUSAL) {
        w->refused = 1;
    }
}


static void
llm_generate_put_state(llm_translate_t *x, const llm_part_t *part)
{
    llm_generate_writer_t  *w;

    w = x->writer;

    w->state.kind = part->state.kind;
    llm_translate_dup(x, &w->state.id, &part->state.id);
    llm_translate_dup(x, &w->state.data, &part->state.data);
}


static void
llm_generate_put_delta(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    unsigned                thinking;
    llm_str_t               text;
    llm_generate_piece_t    piece;
    llm_generate_writer_t  *w;

    w = x->writer;

    thinking = (part->block == LLM_BLOCK_THINKING);
    text = part->text;

    if (llm_generate_put_at_once(x, part->block)) {

        /* clients want a signature with text: the last piece waits for it */

        if (thinking) {
            text.data = w->held.data;
            text.len = w->held.len;
        }

        memset(&piece, 0, sizeof(llm_generate_piece_t));

        piece.kind = part->block;
        piece.text = &text;

        if (text.len) {
            llm_generate_put_chunk(x, &piece, out);
        }

        if (!thinking) {
            return;
        }

        w->held.len = 0;
    }

    llm_buf_add(&w->held, part->text.data, part->text.len);

    if (w->held.failed) {
        out->failed = 1;
    }
}


static unsigned
llm_generate_put_at_once(const llm_translate_t *x, llm_block_e kind)
{
    return kind == LLM_BLOCK_TEXT || kind == LLM_BLOCK_REFUSAL
           || (kind == LLM_BLOCK_THINKING && x->form->thoughts == 1);
}


static void
llm_generate_put_close(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    int                     rc;
    llm_str_t               text;
    llm_generate_carry_t    carry;
    llm_generate_piece_t    piece;
    llm_generate_writer_t  *w;

    w = x->writer;

    memset(&carry, 0, sizeof(llm_generate_carry_t));
    memset(&piece, 0, sizeof(llm_generate_piece_t));

    text.data = w->held.data;
    text.len = w->held.len;

    carry.state = w->state;

    if (part->block == LLM_BLOCK_REDACTED
        || (part->block == LLM_BLOCK_THINKING && x->form->thoughts != 1))
    {
        /* for the call that comes next */

        carry.text = text;
        carry.redacted = (part->block == LLM_BLOCK_REDACTED);

        if (llm_generate_carry_print(x->arena, &carry, &w->carried)
            != LLM_OK)
        {
            out->failed = 1;
        }

        return;
    }

    piece.kind = part->block;
    piece.id = &w->call_id;
    piece.name = &w->name;
    piece.text = &text;

    rc = llm_generate_carry_print(x->arena, &carry, &piece.signature);

    if (rc == LLM_OK && part->block == LLM_BLOCK_TOOL_CALL) {
        rc = llm_form_arguments(x->arena, &text, &text);

        if (piece.signature.len == 0) {
            piece.signature = w->carried;
            w->carried.len = 0;
        }
    }

    if (rc != LLM_OK) {
        out->failed = 1;
        return;
    }

    if (text.len || piece.signature.len) {
        llm_generate_put_chunk(x, &piece, out);
    }
}


static void
llm_generate_put_note(llm_translate_t *x, const llm_part_t *part)
{
    llm_generate_writer_t  *w;

    w = x->writer;

    if (w->notes.len) {
        llm_buf_puts(&w->notes, ",");
    }

    llm_generate_print_note(&part->id, &part->name, &w->notes);
}


/* usage is with the last chunk, where clients look for it */

static void
llm_generate_put_stop(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out)
{
    llm_generate_writer_t  *w;

    w = x->writer;

    llm_generate_put_begin(x, out);

    llm_buf_puts(out, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
                      "\"\"}],\"role\":\"model\"}");

    if (w->notes.len && !w->notes.failed) {
        llm_buf_puts(out, ",\"groundingMetadata\":{\"groundingChunks\":[");
        llm_buf_add(out, w->notes.data, w->notes.len);
        llm_buf_puts(out, "]}");
    }

    llm_generate_print_reason(part->stop, w->refused, out);

    llm_buf_puts(out, ",\"index\":0}]");

    llm_generate_print_tail(x, &w->id, &w->model, 1, out);
    llm_generate_put_end(x, out);
}


static void
llm_generate_put_chunk(llm_translate_t *x, const llm_generate_piece_t *piece,
    llm_buf_t *out)
{
    llm_generate_writer_t  *w;

    w = x->writer;

    llm_generate_put_begin(x, out);

    llm_buf_puts(out, "{\"candidates\":[{\"content\":{\"parts\":[");
    llm_generate_print_piece(piece, out);
    llm_buf_puts(out, "],\"role\":\"model\"},\"index\":0}]");

    llm_generate_print_tail(x, &w->id, &w->model, 0, out);
    llm_generate_put_end(x, out);
}


static void
llm_generate_put_begin(llm_translate_t *x, llm_buf_t *out)
{
    llm_generate_writer_t  *w;

    w = x->writer;

    if (!x->conf->array) {
        llm_buf_puts(out, "data: ");

    } else {
        llm_buf_puts(out, w->any ? ",\r\n" : "[");
    }

    w->any = 1;
}


static void
llm_generate_put_end(llm_translate_t *x, llm_buf_t *out)
{
    llm_buf_puts(out, x->conf->array ? "}" : "}\r\n\r\n");
}
