
/*
 * The internal form: what a conversation asks for and what comes back, whatever
 * protocol it was written in.  A superset of Anthropic's ordered blocks.
 *
 * Texts are decoded UTF-8.  Numbers and JSON fragments stay raw text, so that
 * none of them passes through a double.  A request's form is read once and
 * serves every attempt: writers never change it.
 */


#ifndef _LLM_FORM_H_INCLUDED_
#define _LLM_FORM_H_INCLUDED_


#include "llm_base.h"
#include "llm_endpoint.h"
#include "llm_usage.h"


typedef enum {
    LLM_ROLE_SYSTEM = 0,          /* developer too */
    LLM_ROLE_USER,                /* tool results are blocks of user turns */
    LLM_ROLE_ASSISTANT
} llm_role_e;


typedef enum {
    LLM_BLOCK_TEXT = 0,
    LLM_BLOCK_REFUSAL,            /* text of a refusal */
    LLM_BLOCK_THINKING,           /* visible reasoning, with its state */
    LLM_BLOCK_REDACTED,           /* reasoning that is state alone */
    LLM_BLOCK_TOOL_CALL,
    LLM_BLOCK_TOOL_RESULT,
    LLM_BLOCK_IMAGE,
    LLM_BLOCK_DOCUMENT,
    LLM_BLOCK_AUDIO,
    LLM_BLOCK_VIDEO
} llm_block_e;


typedef enum {
    LLM_SOURCE_NONE = 0,
    LLM_SOURCE_BASE64,            /* data: base64 without white space */
    LLM_SOURCE_URL,
    LLM_SOURCE_FILE,              /* data: a provider's file id or uri */
    LLM_SOURCE_TEXT               /* data: plain text of a document */
} llm_source_e;


typedef enum {
    LLM_CACHE_NONE = 0,
    LLM_CACHE_5M,
    LLM_CACHE_1H
} llm_cache_e;


/*
 * Opaque reasoning state, which the provider that made it wants back.  Where
 * the client's protocol has no place of its own for it, it travels as
 * "gw1:<kind>:<base64>"; it never goes to a provider of another kind.
 */

#define LLM_STATE_MAP(S)                                                      \
    S(ANTHROPIC,  anthropic)      /* signature of a thinking block, or data   \
                                     of a redacted one */                     \
    S(GEMINI,     gemini)         /* thoughtSignature */                      \
    S(OPENAI,     openai)         /* encrypted_content; id: of the item */    \
    S(OPENROUTER, openrouter)     /* reasoning_details, raw JSON */           \
    S(BEDROCK,    bedrock)        /* of a model that is not Claude */         \
    S(TEXT,       text)           /* none: the text itself is wanted back, by \
                                     clients that drop what has no state */

typedef enum {
    LLM_STATE_NONE = 0,
#define LLM_STATE_ENUM(s, name)  LLM_STATE_##s,
    LLM_STATE_MAP(LLM_STATE_ENUM)
#undef LLM_STATE_ENUM
    LLM_STATE_N
} llm_state_e;

typedef struct {
    llm_state_e      kind;
    llm_str_t        id;          /* or empty */
    llm_str_t        data;
} llm_state_t;


typedef struct llm_block_s  llm_block_t;
typedef struct llm_turn_s   llm_turn_t;
typedef struct llm_tool_s   llm_tool_t;
typedef struct llm_item_s   llm_item_t;

struct llm_block_s {
    llm_block_t     *next;
    llm_block_e      kind;

    llm_str_t        text;        /* TEXT, REFUSAL, THINKING */
    llm_state_t      state;       /* THINKING, REDACTED, TOOL_CALL (Gemini),
                                     TEXT (Gemini) */

    llm_str_t        id;          /* TOOL_CALL, TOOL_RESULT: as the client
                                     wrote it; made up by the reader where
                                     there was none */
    llm_str_t        name;        /* TOOL_CALL, TOOL_RESULT if known: the
                                     tool's; DOCUMENT: its title or file name */
    llm_str_t        json;        /* TOOL_CALL: arguments, always the raw text
                                     of a JSON object; TOOL_RESULT: a result
                                     that was a JSON object (Gemini), raw */
    llm_block_t     *content;     /* TOOL_RESULT: TEXT, IMAGE, DOCUMENT */

    llm_source_e     source;      /* IMAGE, DOCUMENT, AUDIO, VIDEO */
    llm_str_t        mime;        /* sniffed for base64; or empty */
    llm_str_t        data;

    llm_cache_e      cache;       /* a cache breakpoint behind this block */
    unsigned         error:1;     /* TOOL_RESULT: the tool failed */
    unsigned         custom:1;    /* TOOL_CALL: of a custom (free text) tool,
                                     whose json is {"input": text} */
};

struct llm_turn_s {
    llm_turn_t      *next;
    llm_turn_t      *prev;
    llm_role_e       role;
    llm_block_t     *blocks;
    llm_block_t    **last;
};

struct llm_tool_s {
    llm_tool_t      *next;
    llm_str_t        name;
    llm_str_t        description;
    llm_str_t        space;       /* namespace that it was flattened from */
    llm_str_t        schema;      /* raw JSON Schema object, or empty */
    llm_cache_e      cache;
    int              strict;      /* -1: not told */
    unsigned         custom:1;    /* takes free text: {"input": text} */
    unsigned         openapi:1;   /* schema is Gemini's OpenAPI subset */
    unsigned         builtin:1;   /* of a type of its own, whose calls are
                                     items of their own (Responses) */
    unsigned         search:1;    /* the provider's own web search: name is
                                     the client's word for it */
};

/* a name, with a raw JSON value or with text */
struct llm_item_s {
    llm_item_t      *next;
    llm_str_t        name;
    llm_str_t        value;
};


typedef enum {
    LLM_CHOICE_NONE_TOLD = 0,
    LLM_CHOICE_AUTO,
    LLM_CHOICE_NONE,
    LLM_CHOICE_REQUIRED,
    LLM_CHOICE_TOOL               /* choice_name */
} llm_choice_e;

typedef enum {
    LLM_OUTPUT_TEXT = 0,
    LLM_OUTPUT_JSON,              /* any JSON object */
    LLM_OUTPUT_SCHEMA
} llm_output_e;

/* in rising order; the words of reasoning_effort */

#define LLM_EFFORT_MAP(E)                                                     \
    E(NONE, none) E(MINIMAL, minimal) E(LOW, low) E(MEDIUM, medium)           \
    E(HIGH, high) E(XHIGH, xhigh) E(MAX, max)

typedef enum {
    LLM_EFFORT_NOT_TOLD = 0,
#define LLM_EFFORT_ENUM(e, name)  LLM_EFFORT_##e,
    LLM_EFFORT_MAP(LLM_EFFORT_ENUM)
#undef LLM_EFFORT_ENUM
    LLM_EFFORT_N
} llm_effort_e;


typedef struct {
    llm_arena_t     *arena;
    const llm_op_t  *op;          /* the client's */

    llm_turn_t      *turns;       /* SYSTEM turns stand where they stood */
    llm_turn_t     **last_turn;
    llm_turn_t      *end;

    llm_tool_t      *tools;
    llm_tool_t     **last_tool;
    llm_choice_e     choice;
    llm_str_t        choice_name;
    llm_item_t      *allowed;     /* names of an allowed_tools choice */
    int              parallel;    /* parallel tool calls; -1: not told */

    int64_t          max_tokens;  /* -1: not told */
    llm_str_t        temperature; /* raw numbers, or empty */
    llm_str_t        top_p;
    llm_str_t        top_k;
    llm_str_t        seed;
    llm_str_t        presence_penalty;
    llm_str_t        frequency_penalty;
    llm_str_t        logit_bias;  /* raw object */
    llm_str_t        top_logprobs;
    llm_item_t      *stop;        /* stop sequences: decoded, in value */
    int64_t          n;           /* answers asked for; 1 */
    int              logprobs;    /* -1: not told */

    llm_effort_e     effort;
    int64_t          budget;      /* tokens of thinking; -1: not told, 0: off */
    unsigned         adaptive:1;  /* the model decides how much */
    int              thoughts;    /* reasoning is to be shown: -1 not told */
    unsigned         summary:1;   /* as summaries (Responses) */

    llm_output_e     output;
    llm_str_t        schema_name;
    llm_str_t        schema;      /* raw JSON Schema */
    int              schema_strict;    /* -1: not told */
    llm_str_t        schema_description;
    unsigned         schema_openapi:1;

    llm_str_t        user;        /* end user, decoded */
    llm_str_t        service_tier;
    llm_str_t        verbosity;
    llm_str_t        cache_key;   /* prompt_cache_key */
    llm_str_t        metadata;    /* raw object */
    llm_item_t      *modalities;  /* "text", "image", "audio" asked for: in
                                     value */
    llm_str_t        audio;       /* raw object: voice, format */

    unsigned         stream:1;
    unsigned         include_usage:1;
    unsigned         store:1;     /* Responses: echoed only */
    unsigned         encrypted:1; /* include reasoning.encrypted_content */
    unsigned         legacy:1;    /* chat: "functions" instead of "tools" */

    llm_str_t        body;        /* the client's own body: answers of the
                                     Responses API echo parts of it */
    llm_item_t      *extra;       /* top-level members that the reader did not
                                     know, raw: extensions for a target that
                                     knows them */
    llm_item_t     **last_extra;
    llm_item_t      *dropped;     /* names that the reader left out */

    void            *list;        /* the list that was appended to last, and */
    void            *tail;        /* its end: llm_form.c */
} llm_form_t;


/* why an answer ended */

#define LLM_STOP_MAP(S)                                                       \
    S(END, end) S(LENGTH, length) S(SEQUENCE, sequence) S(TOOL, tool)         \
    S(FILTER, filter) S(REFUSAL, refusal) S(PAUSE, pause)

typedef enum {
    LLM_STOP_NOT_TOLD = 0,
#define LLM_STOP_ENUM(s, name)  LLM_STOP_##s,
    LLM_STOP_MAP(LLM_STOP_ENUM)
#undef LLM_STOP_ENUM
    LLM_STOP_N
} llm_stop_e;


/* classes of errors, by which each protocol words its own */

#define LLM_FAULT_MAP(F)                                                      \
    F(INVALID, invalid_request) F(CONTEXT, context_length)                    \
    F(POLICY, content_policy) F(AUTH, auth) F(PERMISSION, permission)         \
    F(NOT_FOUND, not_found) F(TOO_LARGE, too_large) F(QUOTA, quota)           \
    F(RATE, rate_limit) F(OVERLOADED, overloaded) F(SERVER, server)           \
    F(TIMEOUT, timeout) F(CONFLICT, conflict)

typedef enum {
    LLM_FAULT_NONE = 0,
#define LLM_FAULT_ENUM(f, name)  LLM_FAULT_##f,
    LLM_FAULT_MAP(LLM_FAULT_ENUM)
#undef LLM_FAULT_ENUM
    LLM_FAULT_N
} llm_fault_e;


/*
 * An answer is a sequence of parts: START, then blocks, one open at a time
 * (OPEN, DELTA ..., STATE, NOTE, CLOSE), then STOP, then END; or ERROR at any
 * place, after which nothing counts.  A unary answer is the same sequence at
 * once.
 */

typedef enum {
    LLM_PART_START = 0,          /* id, name: the model as told */
    LLM_PART_OPEN,               /* block, index; of a tool call id, name,
                                     and its state if it is known by then; of
                                     an image or audio mime */
    LLM_PART_DELTA,              /* text: to be appended.  Of a tool call a
                                     fragment of its JSON arguments, of an
                                     image or audio base64 */
    LLM_PART_STATE,              /* state of the open block */
    LLM_PART_NOTE,               /* a citation of the open TEXT: url in id,
                                     title in name, quoted text in text; from
                                     and to are set on the way */
    LLM_PART_CLOSE,
    LLM_PART_STOP,               /* stop; text: the stop sequence if known,
                                     or words of a refusal */
    LLM_PART_ERROR,              /* fault, name: code or empty, text */
    LLM_PART_END,
    LLM_PART_PING                /* the provider is still there */
} llm_part_e;

typedef struct {
    llm_part_e       type;
    llm_block_e      block;
    unsigned         index;       /* of the block in the answer, from 0 */
    uint64_t         from;        /* NOTE: code points of all the answer's */
    uint64_t         to;          /* texts before and at its end; exact: the
                                     reader told them */
    unsigned         exact:1;
    llm_str_t        id;
    llm_str_t        name;
    llm_str_t        text;
    llm_str_t        mime;
    llm_state_t      state;
    llm_stop_e       stop;
    llm_fault_e      fault;
} llm_part_t;


#endif /* _LLM_FORM_H_INCLUDED_ */
