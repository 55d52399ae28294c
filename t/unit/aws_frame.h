
/* builds messages of AWS event streams, by other means than the parser's */


#ifndef _AWS_FRAME_H_INCLUDED_
#define _AWS_FRAME_H_INCLUDED_


#include "llm_base.h"

#include <stdlib.h>


static inline uint32_t
aws_crc(const unsigned char *p, size_t len)
{
    unsigned  i;
    uint32_t  crc;

    crc = 0xffffffff;

    while (len--) {
        crc ^= *p++;

        for (i = 0; i < 8; i++) {
            crc = (crc & 1) ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        }
    }

    return crc ^ 0xffffffff;
}


static inline void
aws_number(llm_buf_t *b, uint32_t n)
{
    unsigned char  p[4];

    p[0] = (unsigned char) (n >> 24);
    p[1] = (unsigned char) (n >> 16);
    p[2] = (unsigned char) (n >> 8);
    p[3] = (unsigned char) n;

    llm_buf_add(b, p, 4);
}


/* a string header */

static inline void
aws_header(llm_buf_t *b, const char *name, const char *value)
{
    unsigned char  p[3];

    p[0] = (unsigned char) strlen(name);
    llm_buf_add(b, p, 1);
    llm_buf_puts(b, name);

    p[0] = 7;
    p[1] = (unsigned char) (strlen(value) >> 8);
    p[2] = (unsigned char) strlen(value);
    llm_buf_add(b, p, 3);
    llm_buf_puts(b, value);
}


/* headers as they were added, and a payload */

static inline void
aws_message(llm_buf_t *b, const llm_buf_t *headers, const void *payload,
    size_t len)
{
    size_t  start;

    start = b->len;

    aws_number(b, (uint32_t) (headers->len + len + 16));
    aws_number(b, (uint32_t) headers->len);
    aws_number(b, aws_crc(b->data + start, 8));
    llm_buf_add(b, headers->data, headers->len);
    llm_buf_add(b, payload, len);
    aws_number(b, aws_crc(b->data + start, b->len - start));
}


/* the usual message: kind is "event" or "exception" */

static inline void
aws_event(llm_buf_t *b, const char *kind, const char *name,
    const char *payload)
{
    llm_buf_t  headers;

    llm_buf_init(&headers, b->arena);

    aws_header(&headers, strcmp(kind, "event") == 0 ? ":event-type"
                                                    : ":exception-type",
               name);
    aws_header(&headers, ":content-type", "application/json");
    aws_header(&headers, ":message-type", kind);

    aws_message(b, &headers, payload, strlen(payload));
}


#endif /* _AWS_FRAME_H_INCLUDED_ */
