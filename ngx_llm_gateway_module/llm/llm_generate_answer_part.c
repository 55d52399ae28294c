
/* Gemini's dialect: parts of the contents of an answer */


#include "llm_generate.h"


static void llm_generate_get_text(llm_translate_t *x, const llm_str_t *raw,
    unsigned thought, const llm_str_t *signature);
static int llm_generate_get_call(llm_translate_t *x, const llm_str_t *raw,
    const llm_str_t *signature);
static int llm_generate_get_call_begin(llm_translate_t *x,
    const llm_str_t *name, const llm_str_t *signature);
static void llm_generate_get_call_tell(llm_translate_t *x, const llm_str_t *id,
    const llm_str_t *name, const llm_str_t *args, const llm_str_t *signature);
static void llm_generate_get_media(llm_translate_t *x, const llm_str_t *raw);
static void llm_generate_get_code(llm_translate_t *x, const llm_str_t *raw,
    unsigned result);
static void llm_generate_get_signature(llm_translate_t *x,
    const llm_str_t *raw);


enum {
    PART_TEXT = 0,
    PART_THOUGHT,
    PART_SIGNATURE,
    PART_CALL,
    PART_DATA,
    PART_CODE,
    PART_RESULT,
    PART_N
};

static const char *const  llm_generate_part_names[PART_N] = {
    "text", "thought", "thoughtSignature", "functionCall", "inlineData",
    "executableCode", "codeExecutionResult"
};


int
llm_generate_get_part(llm_translate_t *x, const llm_str_t *raw)
{
    llm_str_t               values[PART_N];
    llm_generate_reader_t  *r;

    r = x->reader;

    llm_member_pick(raw, llm_generate_part_names, PART_N, values);

    if (values[PART_CALL].len) {
        return llm_generate_get_call(x, &values[PART_CALL],
                                 &values[PART_SIGNATURE]);
    }

    if (r->calling) {
        llm_generate_get_call_end(x);
    }

    if (values[PART_DATA].len) {
        llm_generate_get_media(x, &values[PART_DATA]);

    } else if (values[PART_CODE].len) {
        llm_generate_get_code(x, &values[PART_CODE], 0);

    } else if (values[PART_RESULT].len) {
        llm_generate_get_code(x, &values[PART_RESULT], 1);

    } else {
        llm_generate_get_text(x, &values[PART_TEXT],
                          llm_member_true(&values[PART_THOUGHT]),
                          &values[PART_SIGNATURE]);
    }

    return LLM_OK;
}


static void
llm_generate_get_text(llm_translate_t *x, const llm_str_t *raw,
    unsigned thought, const llm_str_t *signature)
{
    llm_str_t               text;
    llm_block_e             kind;
    llm_generate_reader_t  *r;

    r = x->reader;

    kind = thought ? LLM_BLOCK_THINKING : LLM_BLOCK_TEXT;

    llm_translate_text(x, raw, &text);

    if (text.len) {
        llm_generate_get_open(x, kind, NULL);
        llm_translate_delta(x, &text);

        if (!thought && r->search) {
            llm_buf_add(&r->text, text.data, text.len);
        }
    }

    /* the last part is often a signature alone, of the text before it */

    if (signature->len && r->is_open
        && (r->open == LLM_BLOCK_TEXT || r->open == LLM_BLOCK_THINKING))
    {
        llm_generate_get_signature(x, signature);
    }
}


static int
llm_generate_get_call(llm_translate_t *x, const llm_str_t *raw,
    const llm_str_t *signature)
{
    int                     rc;
    llm_str_t               id, name, item, values[5];
    llm_walk_t              w;
    llm_generate_reader_t  *r;

    static llm_str_t          empty = llm_string("{}");
    static const char *const  names[] = {
        "id", "name", "args", "partialArgs", "willContinue"
    };

    r = x->reader;

    llm_member_pick(raw, names, 5, values);

    llm_translate_string(x, &values[0], &id);
    llm_translate_string(x, &values[1], &name);

    if (name.len) {

        if (r->calling) {
            llm_generate_get_call_end(x);
        }

        if (values[3].len == 0 && !llm_member_true(&values[4])) {
            llm_generate_get_call_tell(x, &id, &name,
                                   llm_form_type(&values[2])
                                   == LLM_JSON_OBJECT ? &values[2] : &empty,
                                   signature);
            return LLM_OK;
        }

        rc = llm_generate_get_call_begin(x, &name, signature);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (!r->calling) {
        return LLM_OK;
    }

    if (llm_form_type(&values[3]) == LLM_JSON_ARRAY) {
        llm_walk_open(&w, &values[3]);

        while (llm_walk_element(&w, &item)) {
            rc = llm_partial_add(r->partial, &item);

            if (rc != LLM_OK) {
                return rc == LLM_NOMEM ? rc : LLM_INVALID;
            }
        }
    }

    if (!llm_member_true(&values[4])) {
        llm_generate_get_call_end(x);
    }

    return LLM_OK;
}


/* the name and the signature wait in the reader's own memory */

static int
llm_generate_get_call_begin(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *signature)
{
    llm_generate_reader_t  *r;

    r = x->reader;

    r->partial = llm_partial_create(x->arena);
    if (r->partial == NULL) {
        return LLM_NOMEM;
    }

    llm_generate_get_buf(x, &r->call);

    r->name_len = name->len;

    llm_buf_add(&r->call, name->data, name->len);
    llm_buf_add(&r->call, signature->data, signature->len);

    r->calling = 1;

    return r->call.failed ? LLM_NOMEM : LLM_OK;
}


void
llm_generate_get_call_end(llm_translate_t *x)
{
    llm_str_t               none, name, args, signature;
    llm_generate_reader_t  *r;

    r = x->reader;

    r->calling = 0;

    llm_generate_get_buf(x, &r->args);
    llm_partial_print(r->partial, &r->args);

    none.len = 0;
    none.data = NULL;

    name.data = r->call.data;
    name.len = r->name_len;

    signature.data = r->call.data + name.len;
    signature.len = r->call.len - name.len;

    args.data = r->args.data;
    args.len = r->args.failed ? 0 : r->args.len;

    llm_generate_get_call_tell(x, &none, &name, &args, &signature);
}


static void
llm_generate_get_call_tell(llm_translate_t *x, const llm_str_t *id,
    const llm_str_t *name, const llm_str_t *args, const llm_str_t *signature)
{
    llm_part_t              part;
    llm_generate_reader_t  *r;

    r = x->reader;

    llm_generate_get_close(x);

    /* clients without a place for it in a call get it before the call */

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_OPEN;
    part.block = LLM_BLOCK_TOOL_CALL;
    part.id = *id;
    part.name = *name;

    llm_translate_string(x, signature, &part.state.data);

    if (part.state.data.len) {
        part.state.kind = LLM_STATE_GEMINI;
    }

    llm_translate_part(x, &part);
    llm_translate_delta(x, args);
    llm_translate_close(x);

    r->tools = 1;
}


/* audio comes in pieces, an image in one */

static void
llm_generate_get_media(llm_translate_t *x, const llm_str_t *raw)
{
    llm_str_t  mime, data, values[2];

    static const char *const  names[] = { "mimeType", "data" };

    llm_member_pick(raw, names, 2, values);

    llm_translate_string(x, &values[0], &mime);
    llm_translate_string(x, &values[1], &data);

    if (data.len == 0) {
        return;
    }

    if (mime.len > 6 && memcmp(mime.data, "audio/", 6) == 0) {
        llm_generate_get_open(x, LLM_BLOCK_AUDIO, &mime);
        llm_translate_delta(x, &data);
        return;
    }

    if (mime.len > 6 && memcmp(mime.data, "image/", 6) == 0) {
        llm_generate_get_close(x);
        llm_generate_get_open(x, LLM_BLOCK_IMAGE, &mime);
        llm_translate_delta(x, &data);
        llm_generate_get_close(x);
    }
}


/*
 * What Google ran on the way is how the model came to its answer, and no part
 * of that.
 */

static void
llm_generate_get_code(llm_translate_t *x, const llm_str_t *raw, unsigned result)
{
    llm_str_t  text, values[1];

    static llm_str_t          fence = llm_string("```\n");
    static llm_str_t          close = llm_string("\n```\n");
    static const char *const  code[] = { "code" };
    static const char *const  output[] = { "output" };

    llm_member_pick(raw, result ? output : code, 1, values);
    llm_translate_string(x, &values[0], &text);

    if (text.len == 0) {
        return;
    }

    llm_generate_get_open(x, LLM_BLOCK_THINKING, NULL);
    llm_translate_delta(x, &fence);
    llm_translate_delta(x, &text);
    llm_translate_delta(x, &close);
}


static void
llm_generate_get_signature(llm_translate_t *x, const llm_str_t *raw)
{
    llm_part_t  part;

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_STATE;
    part.state.kind = LLM_STATE_GEMINI;

    llm_translate_string(x, raw, &part.state.data);

    if (part.state.data.len) {
        llm_translate_part(x, &part);
    }
}


/*
 * What is open may be gone on with; of text, empty deltas open nothing.
 */

void
llm_generate_get_open(llm_translate_t *x, llm_block_e kind,
    const llm_str_t *mime)
{
    llm_part_t              part;
    llm_generate_reader_t  *r;

    r = x->reader;

    if (r->is_open && r->open == kind) {
        return;
    }

    llm_generate_get_close(x);

    memset(&part, 0, sizeof(llm_part_t));

    part.type = LLM_PART_OPEN;
    part.block = kind;

    if (mime) {
        part.mime = *mime;
    }

    llm_translate_part(x, &part);

    r->open = kind;
    r->is_open = 1;
}


void
llm_generate_get_close(llm_translate_t *x)
{
    llm_generate_reader_t  *r;

    r = x->reader;

    if (r->is_open) {
        llm_translate_close(x);
        r->is_open = 0;
    }
}


/* a buffer of the reader's, empty, whose memory is used again */

void
llm_generate_get_buf(llm_translate_t *x, llm_buf_t *b)
{
    if (b->arena == NULL) {
        llm_buf_init(b, x->arena);
    }

    b->len = 0;
}
