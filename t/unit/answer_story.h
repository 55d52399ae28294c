
/*
 * All that an answer tells, as one line of text: the events and their ids,
 * with offsets if wanted, and what is known in the end.  Offsets count from
 * the answer's first byte, so that two readings compare; what does not stand
 * where it is told shows as "WRONG".
 */


#ifndef _ANSWER_STORY_H_INCLUDED_
#define _ANSWER_STORY_H_INCLUDED_


#include "llm_answer.h"

#include <stdlib.h>


static inline void
story_word(llm_buf_t *b, const char *name, llm_str_t s)
{
    if (s.len) {
        llm_buf_puts(b, " ");
        llm_buf_puts(b, name);
        llm_buf_puts(b, "=");
        llm_buf_add(b, s.data, s.len);
    }
}


static inline void
story_number(llm_buf_t *b, const char *name, int64_t n, int64_t none)
{
    if (n != none) {
        llm_buf_puts(b, " ");
        llm_buf_puts(b, name);
        llm_buf_puts(b, "=");
        llm_buf_int(b, n);
    }
}


static inline void
story_bits(llm_buf_t *b, unsigned bits)
{
    unsigned  i;

    for (i = 0; i < 5; i++) {
        if (bits & (1u << i)) {
            llm_buf_add(b, &"CEUDK"[i], 1);
        }
    }
}


static inline void
story_ids(llm_buf_t *b, const llm_answer_t *a, const unsigned char *data,
    size_t len, size_t start, unsigned offsets)
{
    size_t                  end;
    unsigned                i, n;
    const llm_answer_id_t  *id;

    id = llm_answer_ids(a, &n);

    for (i = 0; i < n; i++) {
        llm_buf_puts(b, "(");
        llm_buf_add(b, id[i].id.data, id[i].id.len);
        end = start + id[i].offset;

        if (offsets) {
            llm_buf_puts(b, "@");
            llm_buf_int(b, (int64_t) end);
        }

        llm_buf_puts(b, ")");

        if (end >= len || data[end] != '"' || end <= id[i].id.len
            || data[end - id[i].id.len - 1] != '"'
            || memcmp(data + end - id[i].id.len, id[i].id.data, id[i].id.len)
               != 0)
        {
            llm_buf_puts(b, "WRONG");
        }
    }
}


/* an event of text/event-stream ends behind an empty line */

static inline int
story_event_end(const unsigned char *data, size_t start, size_t end)
{
    end--;

    if (data[end] == '\n' && end > start && data[end - 1] == '\r') {
        end--;

    } else if (data[end] != '\n' && data[end] != '\r') {
        return 0;
    }

    return end == start || data[end - 1] == '\n' || data[end - 1] == '\r';
}


/*
 * Reads the answer in pieces of 1 to max bytes that seed chooses; of exactly
 * max bytes, if it is 0.
 */

static inline void
answer_story(llm_arena_t *arena, const llm_op_t *op, llm_answer_e kind,
    const unsigned char *data, size_t len, size_t max, uint32_t seed,
    unsigned offsets, llm_buf_t *b)
{
    int             rc;
    size_t          n, pos, used, start, shown;
    llm_str_t       raw;
    llm_usage_t     usage;
    llm_answer_t   *a;
    unsigned char  *copy, *p;

    start = 0;
    b->len = 0;

    a = llm_answer_create(arena, op, kind);

    for (pos = 0; pos < len; pos += n) {
        n = max;

        if (seed) {
            seed = seed * 1664525 + 1013904223;
            n = 1 + (seed >> 8) % max;
        }

        if (n > len - pos) {
            n = len - pos;
        }

        /* reading it later than promised must show */

        copy = malloc(n);
        memcpy(copy, data + pos, n);

        for (p = copy; p < copy + n; p += used) {
            rc = llm_answer_feed(a, p, (size_t) (copy + n - p), &used);

            if (used > (size_t) (copy + n - p)) {
                abort();
            }

            if (rc == LLM_AGAIN) {

                if (used != (size_t) (copy + n - p)) {
                    abort();
                }

                continue;
            }

            if (kind == LLM_ANSWER_JSON
                || (kind != LLM_ANSWER_SSE && rc != LLM_OK))
            {
                continue;
            }

            /* an event's CRLF that a piece cuts belongs to it nevertheless */

            shown = pos + (size_t) (p - copy) + used;

            if (kind == LLM_ANSWER_SSE && p + used == copy + n
                && data[shown - 1] == '\r' && shown < len
                && data[shown] == '\n')
            {
                shown++;
            }

            if (offsets) {
                llm_buf_int(b, (int64_t) shown);
            }

            if (kind == LLM_ANSWER_SSE
                && !story_event_end(data, start, shown))
            {
                llm_buf_puts(b, "WRONG");
            }

            llm_buf_puts(b, rc == LLM_OK ? ":" : "!");
            story_bits(b, llm_answer_event(a));
            story_ids(b, a, data, len, start, offsets);
            llm_buf_puts(b, " ");

            start = pos + (size_t) (p - copy) + used;
        }

        memset(copy, 'x', n);
        free(copy);
    }

    rc = llm_answer_end(a);

    llm_buf_puts(b, rc == LLM_OK ? "ok:" : "bad:");
    story_bits(b, llm_answer_seen(a));

    if (kind == LLM_ANSWER_JSON) {
        story_ids(b, a, data, len, 0, offsets);
    }

    story_number(b, "text", (int64_t) llm_answer_text(a), 0);
    story_number(b, "items", llm_answer_items(a), 0);
    story_number(b, "sequence", llm_answer_sequence(a), -1);
    story_word(b, "model", llm_answer_model(a));
    story_word(b, "tier", llm_answer_tier(a));
    story_word(b, "status", llm_answer_status(a));
    story_word(b, "error", llm_answer_error(a));

    if (llm_answer_usage(a, &usage, &raw) == LLM_OK) {
        llm_buf_puts(b, " ");
        llm_usage_print(&usage, b);
    }

    story_word(b, "raw", raw);
}


#endif /* _ANSWER_STORY_H_INCLUDED_ */
