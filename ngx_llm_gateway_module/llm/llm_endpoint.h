
/*
 * Endpoints: method and path to operation, family and protocol.  Paths are
 * recognised by their tail, so any prefix works.
 */


#ifndef _LLM_ENDPOINT_H_INCLUDED_
#define _LLM_ENDPOINT_H_INCLUDED_


#include "llm_base.h"


typedef enum {
    LLM_PROTOCOL_NONE = 0,
    LLM_PROTOCOL_OPENAI,
    LLM_PROTOCOL_ANTHROPIC,
    LLM_PROTOCOL_GEMINI,
    LLM_PROTOCOL_BEDROCK         /* Converse; no client speaks it */
} llm_protocol_e;


/* families: the names that "endpoint" of keys and models takes */

#define LLM_ENDPOINT_MAP(E)                                                   \
    E(CHAT, chat) E(RESPONSES, responses) E(COMPLETIONS, completions)         \
    E(EMBEDDINGS, embeddings) E(MODERATIONS, moderations)                     \
    E(RERANK, rerank) E(IMAGES, images) E(AUDIO, audio) E(VIDEO, video)       \
    E(MESSAGES, messages) E(GEMINI, gemini) E(MODELS, models)

typedef enum {
    LLM_ENDPOINT_NONE = 0,
#define LLM_ENDPOINT_ENUM(e, name)  LLM_ENDPOINT_##e,
    LLM_ENDPOINT_MAP(LLM_ENDPOINT_ENUM)
#undef LLM_ENDPOINT_ENUM
    LLM_ENDPOINT_N
} llm_endpoint_e;

extern const llm_str_t  llm_endpoint_names[LLM_ENDPOINT_N];    /* [0] empty */

/* the endpoint of that name, or LLM_ENDPOINT_NONE */
llm_endpoint_e llm_endpoint_by_name(const llm_str_t *name);


typedef enum {
    LLM_OP_NONE = 0,
    LLM_OP_CHAT,                 /* POST …/chat/completions */
    LLM_OP_RESPONSES,            /* POST …/responses */
    LLM_OP_RESPONSE_GET,         /* GET …/responses/{id} */
    LLM_OP_RESPONSE_DELETE,      /* DELETE …/responses/{id} */
    LLM_OP_RESPONSE_CANCEL,      /* POST …/responses/{id}/cancel */
    LLM_OP_RESPONSE_ITEMS,       /* GET …/responses/{id}/input_items */
    LLM_OP_COMPLETIONS,          /* POST …/completions */
    LLM_OP_EMBEDDINGS,
    LLM_OP_MODERATIONS,
    LLM_OP_RERANK,
    LLM_OP_IMAGE_GENERATIONS,    /* POST …/images/generations */
    LLM_OP_IMAGE_EDITS,
    LLM_OP_IMAGE_VARIATIONS,
    LLM_OP_SPEECH,               /* POST …/audio/speech */
    LLM_OP_TRANSCRIPTIONS,
    LLM_OP_TRANSLATIONS,
    LLM_OP_VIDEO_CREATE,         /* POST …/videos */
    LLM_OP_VIDEO_GET,            /* GET …/videos/{id} */
    LLM_OP_VIDEO_DELETE,
    LLM_OP_VIDEO_CONTENT,        /* GET …/videos/{id}/content */
    LLM_OP_VIDEO_REMIX,          /* POST …/videos/{id}/remix */
    LLM_OP_MESSAGES,             /* POST …/messages */
    LLM_OP_COUNT_TOKENS,         /* POST …/messages/count_tokens */
    LLM_OP_GENERATE,             /* POST …/models/{m}:generateContent */
    LLM_OP_GENERATE_STREAM,      /* POST …/models/{m}:streamGenerateContent */
    LLM_OP_GEMINI_COUNT,         /* POST …/models/{m}:countTokens */
    LLM_OP_GEMINI_EMBED,         /* POST …/models/{m}:embedContent */
    LLM_OP_GEMINI_BATCH_EMBED,   /* POST …/models/{m}:batchEmbedContents */
    LLM_OP_GEMINI_LONG,          /* POST …/models/{m}:predictLongRunning */
    LLM_OP_OPERATION_GET,        /* GET …/operations/{id} */
    LLM_OP_MODELS,               /* GET …/models */
    LLM_OP_MODEL,                /* GET …/models/{id} */

    /* of providers alone: Claude on Vertex AI, Bedrock */

    LLM_OP_RAW_PREDICT,          /* POST …/models/{m}:rawPredict */
    LLM_OP_RAW_PREDICT_STREAM,   /* POST …/models/{m}:streamRawPredict */
    LLM_OP_RAW_COUNT,            /* POST …/models/count-tokens:rawPredict */
    LLM_OP_CONVERSE,             /* POST …/model/{m}/converse */
    LLM_OP_CONVERSE_STREAM,      /* POST …/model/{m}/converse-stream */
    LLM_OP_INVOKE,               /* POST …/model/{m}/invoke */
    LLM_OP_INVOKE_STREAM,        /* … /invoke-with-response-stream */
    LLM_OP_BEDROCK_COUNT,        /* POST …/model/{m}/count-tokens */

    LLM_OP_PREDICT,              /* POST …/models/{m}:predict */
    LLM_OP_FETCH_OPERATION,      /* POST …/models/{m}:fetchPredictOperation */
    LLM_OP_N
} llm_op_e;


/* where an operation's model comes from */

#define LLM_OP_MODEL_BODY    0x0001    /* member or multipart field "model" */
#define LLM_OP_MODEL_PATH    0x0002    /* gemini */
#define LLM_OP_BY_ID         0x0004    /* the route is in the id of the path */
#define LLM_OP_LOCAL         0x0008    /* answered by the gateway itself */
#define LLM_OP_MODEL_OPTIONAL 0x0010   /* "model" may be absent where only one
                                          model serves it (moderations) */
#define LLM_OP_MULTIPART     0x0020    /* may come as multipart/form-data */
#define LLM_OP_STREAM        0x0040    /* "stream": true is possible */
#define LLM_OP_STREAMS       0x0080    /* is always a stream */
#define LLM_OP_MAKES_ID      0x0100    /* its answer holds an id to be signed */
#define LLM_OP_FREE          0x0200    /* never billed: polls, deletes */
#define LLM_OP_BINARY        0x0400    /* the answer is no text: pass as is */
#define LLM_OP_USAGE_OPTION  0x0800    /* takes stream_options.include_usage */
#define LLM_OP_UPSTREAM      0x1000    /* no path of a client's is this */
#define LLM_OP_CONVERT       0x2000    /* no conversation, and yet providers of
                                          other protocols may serve it:
                                          llm_convert_find() */

typedef struct {
    llm_op_e         op;
    llm_endpoint_e   endpoint;
    llm_protocol_e   protocol;
    uint32_t         flags;
    llm_str_t        path;       /* upstream path behind the base, where it
                                    is fixed: "/chat/completions" */
} llm_op_t;

extern const llm_op_t  llm_ops[LLM_OP_N];    /* indexed by llm_op_e */


typedef struct {
    const llm_op_t  *op;
    llm_str_t        model;      /* LLM_OP_MODEL_PATH, and LLM_OP_MODEL (may
                                    hold slashes, begins behind "models/" or
                                    with "tunedModels/"); a slice of path */
    llm_str_t        id;         /* LLM_OP_BY_ID; a slice of path.  Of
                                    operations: "models/m/operations/x", from
                                    the last "models/" or "tunedModels/" on,
                                    or "operations/x" where there is none */
    unsigned         array:1;    /* streamGenerateContent without alt=sse */
} llm_target_t;

/*
 * method is the request's ("GET", "POST", "DELETE", "HEAD": taken as GET).
 * path is decoded and has no query; args is the raw query.
 * LLM_DECLINED: no endpoint, or not with this method; target->op is then
 * llm_ops[LLM_OP_NONE].
 */
int llm_endpoint_find(const llm_str_t *method, const llm_str_t *path,
    const llm_str_t *args, llm_target_t *target);

/*
 * What of an operation's name is its id: target->id of a path that ends in
 * this name.  An id is its own.  LLM_DECLINED: no operation's name.
 */
int llm_endpoint_operation(const llm_str_t *name, llm_str_t *id);

/*
 * Appends the path behind a provider's base for this operation: model and id
 * go through an allow-list of bytes and are percent-encoded.  LLM_INVALID
 * if model or id hold what no path may (control bytes, "..", empty segment);
 * nothing is appended then.  model or id may be NULL where the operation has
 * none.
 */
int llm_endpoint_path(const llm_op_t *op, const llm_str_t *model,
    const llm_str_t *id, llm_buf_t *out);

/*
 * Appends "/" and a model's name as one segment of a path, percent-encoded.
 * LLM_INVALID as above.
 */
int llm_endpoint_segment(const llm_str_t *model, llm_buf_t *out);

/* LLM_INVALID: llm_endpoint_path() would not take the model's name */
int llm_endpoint_check_model(const llm_str_t *model);


#endif /* _LLM_ENDPOINT_H_INCLUDED_ */
