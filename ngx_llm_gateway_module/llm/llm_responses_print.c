
/*
 * OpenAI Responses API: items of an answer to a client, and a whole answer.
 *
 * An item is open from its first part to the next that belongs to another;
 * texts that follow each other are one message.  A whole answer is made as a
 * stream is, without its events.
 */


#include "llm_responses.h"


static void llm_responses_print_message(llm_translate_t *x,
    unsigned complete, llm_buf_t *out);
static void llm_responses_print_reasoning(llm_translate_t *x,
    unsigned complete, llm_buf_t *out);
static void llm_responses_print_call(llm_translate_t *x, unsigned complete,
    llm_buf_t *out);
static void llm_responses_print_builtin(llm_translate_t *x,
    unsigned complete, llm_buf_t *out);
static void llm_responses_print_state(llm_translate_t *x, llm_buf_t *out);
static void llm_responses_print_name(llm_translate_t *x, llm_buf_t *out);


void
llm_responses_write_answer(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out)
{
    llm_part_t               part;
    llm_note_t              *note;
    llm_block_t             *block;
    llm_responses_writer_t  *w;

    w = x->writer;
    w->whole = 1;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_START;
    part.id = m->id;
    part.name = m->model;
    llm_responses_write_part(x, &part, out);

    note = m->notes;
    x->points = 0;

    for (block = m->blocks; block; block = block->next) {
        memset(&part, 0, sizeof(llm_part_t));

        /* where a stream would stand */

        x->block = block->kind;
        x->from = x->points;

        part.block = block->kind;
        part.id = block->id;
        part.name = block->name;
        part.mime = block->mime;
        part.state = block->state;

        part.type = LLM_PART_OPEN;
        llm_responses_write_part(x, &part, out);

        part.type = LLM_PART_DELTA;
        part.text = block->kind == LLM_BLOCK_IMAGE ? block->data
                                                   : block->text;

        if (part.text.len) {
            llm_responses_write_part(x, &part, out);
        }

        if (block->state.kind != LLM_STATE_NONE) {
            part.type = LLM_PART_STATE;
            llm_responses_write_part(x, &part, out);
        }

        if (block->kind == LLM_BLOCK_TEXT) {
            x->points += llm_form_points(&block->text);
        }

        for ( /* void */ ;
             block->kind == LLM_BLOCK_TEXT && note && note->to <= x->points;
             note = note->next)
        {
            part.type = LLM_PART_NOTE;
            part.id = note->url;
            part.name = note->title;
            part.from = note->from;
            part.to = note->to;
            llm_responses_write_part(x, &part, out);
        }

        part.type = LLM_PART_CLOSE;
        llm_responses_write_part(x, &part, out);
    }

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_STOP;
    part.stop = m->stop;
    part.text = m->stop_text;
    llm_responses_write_part(x, &part, out);

    part.type = LLM_PART_END;
    llm_responses_write_part(x, &part, out);
}


void
llm_responses_print_item(llm_translate_t *x, unsigned complete,
    llm_buf_t *out)
{
    llm_str_t                text;
    llm_responses_writer_t  *w;

    w = x->writer;

    llm_responses_print_string("{\"id\":", &w->item_id, out);

    switch (w->item) {

    case LLM_RESPONSES_MESSAGE:
        llm_responses_print_message(x, complete, out);
        break;

    case LLM_RESPONSES_REASONING:
        llm_responses_print_reasoning(x, complete, out);
        break;

    case LLM_RESPONSES_CALL:
    case LLM_RESPONSES_CUSTOM:
        llm_responses_print_call(x, complete, out);
        break;

    case LLM_RESPONSES_BUILTIN:
        llm_responses_print_builtin(x, complete, out);
        break;

    case LLM_RESPONSES_IMAGE:
        text.data = w->text.data;
        text.len = complete ? w->text.len : 0;

        llm_buf_puts(out, ",\"type\":\"image_generation_call\",\"status\":");
        llm_buf_puts(out, complete ? "\"completed\"" : "\"in_progress\"");
        llm_buf_puts(out, ",\"result\":");

        if (complete) {
            llm_buf_json(out, text.data, text.len);

        } else {
            llm_buf_puts(out, "null");
        }

        break;

    default: /* LLM_RESPONSES_NO_ITEM */
        break;
    }

    llm_buf_puts(out, "}");
}


static void
llm_responses_print_message(llm_translate_t *x, unsigned complete,
    llm_buf_t *out)
{
    llm_responses_writer_t  *w;

    w = x->writer;

    llm_buf_puts(out, complete ? ",\"type\":\"message\",\"status\":"
                                 "\"completed\",\"role\":\"assistant\","
                                 "\"content\":["
                               : ",\"type\":\"message\",\"status\":"
                                 "\"in_progress\",\"role\":\"assistant\","
                                 "\"content\":[");

    if (complete) {
        llm_buf_add(out, w->parts.data, w->parts.len);
    }

    llm_buf_puts(out, "]");
}


void
llm_responses_print_text_part(llm_translate_t *x, unsigned complete,
    llm_buf_t *out)
{
    llm_str_t                text;
    llm_responses_writer_t  *w;

    w = x->writer;

    text.data = w->text.data;
    text.len = complete ? w->text.len : 0;

    if (w->refusal) {
        llm_responses_print_string("{\"type\":\"refusal\",\"refusal\":",
                                   &text, out);
        llm_buf_puts(out, "}");
        return;
    }

    llm_responses_print_string("{\"type\":\"output_text\",\"text\":", &text,
                               out);
    llm_buf_puts(out, ",\"annotations\":[");

    if (complete) {
        llm_buf_add(out, w->notes.data, w->notes.len);
    }

    llm_buf_puts(out, "],\"logprobs\":[]}");
}


/* as a summary if one was asked for, else as it is */

static void
llm_responses_print_reasoning(llm_translate_t *x, unsigned complete,
    llm_buf_t *out)
{
    llm_str_t                text;
    llm_responses_writer_t  *w;

    w = x->writer;

    text.data = w->text.data;
    text.len = complete ? w->text.len : 0;

    llm_buf_puts(out, ",\"type\":\"reasoning\"");

    if (text.len == 0) {
        llm_buf_puts(out, ",\"summary\":[]");

    } else if (x->form->summary) {
        llm_responses_print_string(",\"summary\":[{\"type\":"
                                   "\"summary_text\",\"text\":", &text, out);
        llm_buf_puts(out, "}]");

    } else {
        llm_responses_print_string(",\"summary\":[],\"content\":[{\"type\":"
                                   "\"reasoning_text\",\"text\":", &text,
                                   out);
        llm_buf_puts(out, "}]");
    }

    if (complete && w->state.kind != LLM_STATE_NONE) {
        llm_responses_print_state(x, out);
    }

    llm_buf_puts(out, complete ? ",\"status\":\"completed\""
                               : ",\"status\":\"in_progress\"");
}


static void
llm_responses_print_state(llm_translate_t *x, llm_buf_t *out)
{
    llm_str_t                text;
    llm_responses_writer_t  *w;

    w = x->writer;

    if (w->state.kind == LLM_STATE_OPENAI) {
        llm_responses_print_string(",\"encrypted_content\":", &w->state.data,
                                   out);
        return;
    }

    if (llm_state_print(x->arena, &w->state, &text) != LLM_OK) {
        out->failed = 1;
        return;
    }

    llm_responses_print_string(",\"encrypted_content\":", &text, out);
}


static void
llm_responses_print_call(llm_translate_t *x, unsigned complete,
    llm_buf_t *out)
{
    llm_str_t                text;
    llm_responses_writer_t  *w;

    w = x->writer;

    text.data = w->text.data;
    text.len = complete ? w->text.len : 0;

    llm_buf_puts(out, w->item == LLM_RESPONSES_CUSTOM
                      ? ",\"type\":\"custom_tool_call\",\"status\":"
                      : ",\"type\":\"function_call\",\"status\":");
    llm_buf_puts(out, complete ? "\"completed\"" : "\"in_progress\"");

    llm_responses_print_string(",\"call_id\":", &w->call_id, out);
    llm_responses_print_name(x, out);

    llm_responses_print_string(w->item == LLM_RESPONSES_CUSTOM
                               ? ",\"input\":" : ",\"arguments\":",
                               &text, out);
}


/* a name that was joined with its namespace is taken apart again */

static void
llm_responses_print_name(llm_translate_t *x, llm_buf_t *out)
{
    llm_str_t                name;
    llm_responses_writer_t  *w;

    w = x->writer;
    name = w->name;

    if (w->tool && w->tool->space.len
        && name.len > w->tool->space.len + 2)
    {
        name.data += w->tool->space.len + 2;
        name.len -= w->tool->space.len + 2;

        llm_responses_print_string(",\"namespace\":", &w->tool->space, out);
    }

    llm_responses_print_string(",\"name\":", &name, out);
}


/* "local_shell_call" and its like, with what it is to do */

static void
llm_responses_print_builtin(llm_translate_t *x, unsigned complete,
    llm_buf_t *out)
{
    llm_str_t                json;
    unsigned                 exec;
    llm_responses_writer_t  *w;

    w = x->writer;

    json.data = w->text.data;
    json.len = w->text.len;

    if (json.len == 0) {
        json.data = (unsigned char *) "{}";
        json.len = 2;
    }

    exec = llm_str_is(&w->name, "local_shell");

    llm_buf_puts(out, ",\"type\":\"");
    llm_buf_add(out, w->name.data, w->name.len);
    llm_buf_puts(out, complete ? "_call\",\"status\":\"completed\""
                               : "_call\",\"status\":\"in_progress\"");
    llm_responses_print_string(",\"call_id\":", &w->call_id, out);

    llm_buf_puts(out, llm_str_is(&w->name, "apply_patch")
                      ? ",\"operation\":" : ",\"action\":");

    if (!exec) {
        llm_form_print_raw(out, &json);
        return;
    }

    /* a command of one kind, with members that its clients look for */

    llm_buf_puts(out, "{\"type\":\"exec\",\"env\":{}");

    if (json.len > 2) {
        llm_buf_puts(out, ",");
        json.data++;
        json.len--;
        llm_form_print_raw(out, &json);

    } else {
        llm_buf_puts(out, "}");
    }
}
