
#include "llm_endpoint_host.h"


typedef struct {
    llm_op_e         op;
    const char      *prefix;
    const char      *suffix;
} llm_endpoint_host_t;


static int llm_endpoint_host_check(const llm_str_t *model);


static const llm_endpoint_host_t  llm_endpoint_hosts[] = {
    { LLM_OP_RAW_PREDICT,        "/models/", ":rawPredict" },
    { LLM_OP_RAW_PREDICT_STREAM, "/models/", ":streamRawPredict" },
    { LLM_OP_CONVERSE,           "/model/",  "/converse" },
    { LLM_OP_CONVERSE_STREAM,    "/model/",  "/converse-stream" },
    { LLM_OP_INVOKE,             "/model/",  "/invoke" },
    { LLM_OP_INVOKE_STREAM,      "/model/",  "/invoke-with-response-stream" },
    { LLM_OP_BEDROCK_COUNT,      "/model/",  "/count-tokens" },
    { LLM_OP_PREDICT,            "/models/", ":predict" },
    { LLM_OP_FETCH_OPERATION,    "/models/", ":fetchPredictOperation" },
    { LLM_OP_NONE,               NULL,       NULL }
};


/*
 * The model is one segment, whatever it holds: "v1:0" is sent as "v1%3A0", an
 * ARN with "%2F".
 */

int
llm_endpoint_host_path(const llm_op_t *op, const llm_str_t *model,
    llm_buf_t *out)
{
    const llm_endpoint_host_t  *host;

    if (llm_endpoint_host_check(model) != LLM_OK) {
        return LLM_INVALID;
    }

    for (host = llm_endpoint_hosts; host->prefix; host++) {

        if (host->op == op->op) {
            llm_buf_puts(out, host->prefix);
            llm_endpoint_escape(model, 0, out);
            llm_buf_puts(out, host->suffix);

            return LLM_OK;
        }
    }

    return LLM_INVALID;
}


/* no "..", which some would follow even where it is encoded */

static int
llm_endpoint_host_check(const llm_str_t *model)
{
    size_t         i;
    unsigned       dots;
    unsigned char  c;

    dots = 0;

    for (i = 0; i < model->len; i++) {
        c = model->data[i];

        if (c < 0x20 || c == 0x7f) {
            return LLM_INVALID;
        }

        dots = (c == '.') ? dots + 1 : 0;

        if (dots == 2) {
            return LLM_INVALID;
        }
    }

    return i ? LLM_OK : LLM_INVALID;
}
