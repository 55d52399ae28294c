
/*
 * SHA-256 (FIPS 180-4), for ids that must not tell whose they are and for the
 * digests that a signature is made of.
 */


#ifndef _LLM_SHA256_H_INCLUDED_
#define _LLM_SHA256_H_INCLUDED_


#include "llm_base.h"


#define LLM_SHA256_SIZE  32


/* of a whole text */
void llm_sha256(const llm_str_t *text, unsigned char digest[LLM_SHA256_SIZE]);

/* the same in lower case hexadecimal digits, without a final zero */
void llm_sha256_hex(const llm_str_t *text,
    unsigned char hex[2 * LLM_SHA256_SIZE]);

/* any bytes in lower case hexadecimal digits */
void llm_hex(const unsigned char *data, size_t len, unsigned char *hex);


#endif /* _LLM_SHA256_H_INCLUDED_ */
