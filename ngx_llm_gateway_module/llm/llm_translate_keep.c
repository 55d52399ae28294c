
/*
 * A unary answer is kept, part by part, until it is whole and can be printed.
 */


#include "llm_dialect.h"


static void llm_translate_keep_open(llm_translate_t *x,
    const llm_part_t *part);
static void llm_translate_keep_close(llm_translate_t *x);
static void llm_translate_keep_state(llm_translate_t *x,
    const llm_part_t *part);
static void llm_translate_keep_note(llm_translate_t *x,
    const llm_part_t *part);


void
llm_translate_keep(llm_translate_t *x, const llm_part_t *part)
{
    switch (part->type) {

    case LLM_PART_OPEN:
        llm_translate_keep_open(x, part);
        break;

    case LLM_PART_DELTA:
        llm_buf_add(&x->text, part->text.data, part->text.len);
        break;

    case LLM_PART_STATE:
        llm_translate_keep_state(x, part);
        break;

    case LLM_PART_NOTE:
        llm_translate_keep_note(x, part);
        break;

    case LLM_PART_CLOSE:
        llm_translate_keep_close(x);
        break;

    default:
        break;
    }
}


static void
llm_translate_keep_open(llm_translate_t *x, const llm_part_t *part)
{
    llm_block_t  *block;

    block = llm_calloc(x->arena, sizeof(llm_block_t));
    if (block == NULL) {
        x->nomem = 1;
        x->open = 0;
        return;
    }

    block->kind = part->block;

    llm_translate_dup(x, &block->id, &part->id);
    llm_translate_dup(x, &block->name, &part->name);
    llm_translate_dup(x, &block->mime, &part->mime);

    x->current = block;

    if (part->state.kind != LLM_STATE_NONE) {
        llm_translate_keep_state(x, part);
    }

    *x->message->last = block;
    x->message->last = &block->next;

    llm_buf_init(&x->text, x->arena);
}


static void
llm_translate_keep_close(llm_translate_t *x)
{
    llm_note_t   *note;
    llm_block_t  *block;

    if (x->text.failed) {
        x->nomem = 1;
        return;
    }

    block = x->current;

    block->text.data = x->text.data;
    block->text.len = x->text.len;

    switch (block->kind) {

    case LLM_BLOCK_TOOL_CALL:

        if (llm_form_arguments(x->arena, &block->text, &block->json)
            != LLM_OK)
        {
            x->nomem = 1;
        }

        break;

    case LLM_BLOCK_IMAGE:
    case LLM_BLOCK_AUDIO:
    case LLM_BLOCK_VIDEO:
        block->source = LLM_SOURCE_BASE64;
        block->data = block->text;
        block->text.len = 0;
        break;

    case LLM_BLOCK_TEXT:

        /* citations may come before the text that they stand behind */

        for (note = x->message->notes; note; note = note->next) {

            if (note->from == x->from && !note->exact) {
                note->to = x->points;
            }
        }

        break;

    default:
        break;
    }
}


static void
llm_translate_keep_state(llm_translate_t *x, const llm_part_t *part)
{
    llm_block_t  *block;

    block = x->current;

    block->state.kind = part->state.kind;

    llm_translate_dup(x, &block->state.id, &part->state.id);
    llm_translate_dup(x, &block->state.data, &part->state.data);
}


static void
llm_translate_keep_note(llm_translate_t *x, const llm_part_t *part)
{
    llm_note_t  *note;

    note = llm_calloc(x->arena, sizeof(llm_note_t));
    if (note == NULL) {
        x->nomem = 1;
        return;
    }

    llm_translate_dup(x, &note->url, &part->id);
    llm_translate_dup(x, &note->title, &part->name);
    llm_translate_dup(x, &note->text, &part->text);

    note->from = part->from;
    note->to = part->to;
    note->exact = part->exact;

    *x->message->last_note = note;
    x->message->last_note = &note->next;
}


void
llm_translate_dup(llm_translate_t *x, llm_str_t *dst, const llm_str_t *src)
{
    dst->len = 0;
    dst->data = NULL;

    if (src->len && llm_str_dup(x->arena, dst, src->data, src->len) != LLM_OK)
    {
        x->nomem = 1;
    }
}
