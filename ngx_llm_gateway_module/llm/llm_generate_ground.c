
/* Gemini's dialect: where the claims of an answer come from */


#include "llm_generate.h"


#define LLM_GENERATE_CHUNKS  64      /* sources that are looked at */


static void llm_generate_tell_chunk(llm_translate_t *x,
    const llm_str_t *chunk, const llm_str_t *segment, const llm_str_t *text);
static void llm_generate_segment(llm_translate_t *x, const llm_str_t *segment,
    const llm_str_t *text, llm_part_t *part);
static uint64_t llm_generate_points(const unsigned char *p, size_t len);


unsigned
llm_generate_searches(const llm_form_t *form)
{
    const llm_tool_t  *tool;

    for (tool = form->tools; tool; tool = tool->next) {
        if (tool->search) {
            return 1;
        }
    }

    return 0;
}


void
llm_generate_tell_notes(llm_translate_t *x, const llm_str_t *grounding,
    const llm_str_t *text)
{
    int64_t     i;
    unsigned    n, told;
    llm_str_t   none, value, values[2], support[2];
    llm_str_t   chunks[LLM_GENERATE_CHUNKS];
    llm_walk_t  w, indices;

    static const char *const  names[] = {
        "groundingChunks", "groundingSupports"
    };

    static const char *const  members[] = {
        "segment", "groundingChunkIndices"
    };

    llm_member_pick(grounding, names, 2, values);

    if (llm_form_type(&values[0]) != LLM_JSON_ARRAY) {
        return;
    }

    llm_walk_open(&w, &values[0]);

    for (n = 0; n < LLM_GENERATE_CHUNKS; n++) {
        if (!llm_walk_element(&w, &chunks[n])) {
            break;
        }
    }

    told = 0;

    if (llm_form_type(&values[1]) == LLM_JSON_ARRAY) {
        llm_walk_open(&w, &values[1]);

        while (told < 256 && llm_walk_element(&w, &value)) {
            llm_member_pick(&value, members, 2, support);

            if (llm_form_type(&support[1]) != LLM_JSON_ARRAY) {
                continue;
            }

            llm_walk_open(&indices, &support[1]);

            while (told < 256 && llm_walk_element(&indices, &value)) {
                i = llm_member_count(&value);

                if (i >= 0 && i < (int64_t) n) {
                    llm_generate_tell_chunk(x, &chunks[i], &support[0], text);
                    told++;
                }
            }
        }
    }

    /* sources of nothing in particular are of the whole text */

    none.len = 0;
    none.data = NULL;

    for (i = 0; told == 0 && i < (int64_t) n; i++) {
        llm_generate_tell_chunk(x, &chunks[i], &none, text);
    }
}


static void
llm_generate_tell_chunk(llm_translate_t *x, const llm_str_t *chunk,
    const llm_str_t *segment, const llm_str_t *text)
{
    llm_str_t   web[1], values[2];
    llm_part_t  part;

    static const char *const  kinds[] = { "web" };
    static const char *const  names[] = { "uri", "title" };

    llm_member_pick(chunk, kinds, 1, web);
    llm_member_pick(&web[0], names, 2, values);

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_NOTE;

    llm_translate_string(x, &values[0], &part.id);
    llm_translate_string(x, &values[1], &part.name);

    if (part.id.len == 0) {
        return;
    }

    llm_generate_segment(x, segment, text, &part);

    llm_translate_part(x, &part);
}


/* Google counts bytes of UTF-8, others code points */

static void
llm_generate_segment(llm_translate_t *x, const llm_str_t *segment,
    const llm_str_t *text, llm_part_t *part)
{
    int64_t    start, end;
    llm_str_t  values[4];

    static const char *const  names[] = {
        "startIndex", "endIndex", "text", "partIndex"
    };

    llm_member_pick(segment, names, 4, values);

    llm_translate_string(x, &values[2], &part->text);

    start = values[0].len ? llm_member_count(&values[0]) : 0;
    end = llm_member_count(&values[1]);

    if (start < 0 || end <= start || (uint64_t) end > text->len
        || llm_member_count(&values[3]) > 0)
    {
        return;
    }

    part->exact = 1;
    part->from = llm_generate_points(text->data, (size_t) start);
    part->to = part->from + llm_generate_points(text->data + start,
                                                (size_t) (end - start));
}


static uint64_t
llm_generate_points(const unsigned char *p, size_t len)
{
    uint64_t  n;

    for (n = 0; len; p++, len--) {
        n += ((*p & 0xc0) != 0x80);
    }

    return n;
}
