
/*
 * Secrets: where they come from, how they are kept and compared.
 *
 * The values of one configuration cycle lie together in pages of their own,
 * so that the kernel can be told to leave them out of core dumps, and that
 * they can be wiped when the cycle's pool goes.
 */


#include "ngx_llm_secret.h"

#include <sys/mman.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>


#define NGX_LLM_SECRET_MAX     65536
#define NGX_LLM_SECRET_REGION  (128 * 1024)


typedef struct ngx_llm_secret_region_s  ngx_llm_secret_region_t;

struct ngx_llm_secret_region_s {
    ngx_llm_secret_region_t  *next;
    ngx_pool_t               *pool;      /* of the cycle it belongs to */
    u_char                   *start;
    u_char                   *last;      /* free from here */
    u_char                   *end;
};


static u_char *ngx_llm_secret_alloc(ngx_conf_t *cf, size_t size);
static void ngx_llm_secret_cleanup(void *data);
static ngx_int_t ngx_llm_secret_store(ngx_conf_t *cf, u_char *data,
    size_t len, ngx_str_t *value);
static ngx_int_t ngx_llm_secret_env(ngx_conf_t *cf, ngx_str_t *spec,
    ngx_str_t *value);
static ngx_int_t ngx_llm_secret_file(ngx_conf_t *cf, ngx_str_t *spec,
    ngx_str_t *value);
static ngx_int_t ngx_llm_secret_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_fd_t fd, ngx_str_t *value);
static EVP_MD_CTX *ngx_llm_secret_md(void);


/*
 * The regions of all cycles that live: the one being read and, while a reload
 * is under way, the one before.  Only the process that reads configuration
 * looks here.
 */

static ngx_llm_secret_region_t  *ngx_llm_secret_regions;

/* found once: since OpenSSL 3 looking for it costs more than a digest */
static const EVP_MD             *ngx_llm_secret_sha256;


ngx_int_t
ngx_llm_secret_resolve(ngx_conf_t *cf, ngx_str_t *spec, ngx_uint_t literal,
    ngx_str_t *value)
{
    if (spec->len >= 4 && ngx_strncmp(spec->data, "env:", 4) == 0) {
        return ngx_llm_secret_env(cf, spec, value);
    }

    if (spec->len >= 5 && ngx_strncmp(spec->data, "file:", 5) == 0) {
        return ngx_llm_secret_file(cf, spec, value);
    }

    if (spec->len >= 6 && ngx_strncmp(spec->data, "plain:", 6) == 0) {
        return ngx_llm_secret_store(cf, spec->data + 6, spec->len - 6,
                                    value);
    }

    if (literal) {
        return ngx_llm_secret_store(cf, spec->data, spec->len, value);
    }

    /* the word may be the secret itself, it is not repeated */

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "secret must be given as \"env:NAME\", "
                       "\"file:PATH\" or \"plain:TEXT\"");

    return NGX_ERROR;
}


static u_char *
ngx_llm_secret_alloc(ngx_conf_t *cf, size_t size)
{
    u_char                   *p;
    ngx_pool_cleanup_t       *cln;
    ngx_llm_secret_region_t  *region;

    for (region = ngx_llm_secret_regions; region; region = region->next) {

        if (region->pool == cf->pool
            && (size_t) (region->end - region->last) >= size)
        {
            p = region->last;
            region->last += size;

            return p;
        }
    }

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_llm_secret_region_t));
    if (cln == NULL) {
        return NULL;
    }

    region = cln->data;

    p = mmap(NULL, NGX_LLM_SECRET_REGION, PROT_READ|PROT_WRITE,
             MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "mmap(%uz) failed", (size_t) NGX_LLM_SECRET_REGION);
        return NULL;
    }

#ifdef MADV_DONTDUMP

    if (madvise(p, NGX_LLM_SECRET_REGION, MADV_DONTDUMP) == -1) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, ngx_errno,
                           "madvise(MADV_DONTDUMP) failed, "
                           "core dumps will hold secrets");
    }

#endif

    region->pool = cf->pool;
    region->start = p;
    region->last = p + size;
    region->end = p + NGX_LLM_SECRET_REGION;

    region->next = ngx_llm_secret_regions;
    ngx_llm_secret_regions = region;

    cln->handler = ngx_llm_secret_cleanup;

    return p;
}


static void
ngx_llm_secret_cleanup(void *data)
{
    ngx_llm_secret_region_t *region = data;

    ngx_llm_secret_region_t  **p;

    for (p = &ngx_llm_secret_regions; *p; p = &(*p)->next) {
        if (*p == region) {
            *p = region->next;
            break;
        }
    }

    ngx_explicit_memzero(region->start, region->last - region->start);

    (void) munmap(region->start, NGX_LLM_SECRET_REGION);
}


static ngx_int_t
ngx_llm_secret_store(ngx_conf_t *cf, u_char *data, size_t len,
    ngx_str_t *value)
{
    u_char  *p;

    if (len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "secret is empty");
        return NGX_ERROR;
    }

    if (len > NGX_LLM_SECRET_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "secret is longer than %d bytes",
                           NGX_LLM_SECRET_MAX);
        return NGX_ERROR;
    }

    p = ngx_llm_secret_alloc(cf, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, data, len);
    p[len] = '\0';

    value->len = len;
    value->data = p;

    return NGX_OK;
}


static ngx_int_t
ngx_llm_secret_env(ngx_conf_t *cf, ngx_str_t *spec, ngx_str_t *value)
{
    char    *text;
    u_char  *name;

    name = ngx_pnalloc(cf->temp_pool, spec->len - 4 + 1);
    if (name == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(name, spec->data + 4, spec->len - 4 + 1);

    if (name[0] == '\0') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "environment variable is not named in \"%V\"",
                           spec);
        return NGX_ERROR;
    }

    /* workers replace their environment, but parsing is the master's work */

    text = getenv((char *) name);

    if (text == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "environment variable \"%s\" is not set in \"%V\"",
                           name, spec);
        return NGX_ERROR;
    }

    if (text[0] == '\0') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "environment variable \"%s\" is empty in \"%V\"",
                           name, spec);
        return NGX_ERROR;
    }

    return ngx_llm_secret_store(cf, (u_char *) text, ngx_strlen(text), value);
}


static ngx_int_t
ngx_llm_secret_file(ngx_conf_t *cf, ngx_str_t *spec, ngx_str_t *value)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;
    ngx_str_t  path;

    path.len = spec->len - 5;

    if (path.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "file is not named in \"%V\"", spec);
        return NGX_ERROR;
    }

    path.data = ngx_pnalloc(cf->pool, path.len + 1);
    if (path.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn(path.data, spec->data + 5, path.len + 1);

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    /* not to hang in open() of a pipe that nobody writes to */

    fd = ngx_open_file(path.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%s\" failed", path.data);
        return NGX_ERROR;
    }

    rc = ngx_llm_secret_read(cf, &path, fd, value);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%s\" failed", path.data);
    }

    return rc;
}


static ngx_int_t
ngx_llm_secret_read(ngx_conf_t *cf, ngx_str_t *path, ngx_fd_t fd,
    ngx_str_t *value)
{
    u_char           *p;
    size_t            size, len;
    ssize_t           n;
    ngx_file_info_t   fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%s\" failed", path->data);
        return NGX_ERROR;
    }

    if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "secret file \"%s\" is not a regular file",
                           path->data);
        return NGX_ERROR;
    }

    if (ngx_file_size(&fi) > NGX_LLM_SECRET_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "secret file \"%s\" is longer than %d bytes",
                           path->data, NGX_LLM_SECRET_MAX);
        return NGX_ERROR;
    }

    if (ngx_file_access(&fi) & 0004) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "secret file \"%s\" is readable by others",
                           path->data);
    }

    size = (size_t) ngx_file_size(&fi);

    p = ngx_llm_secret_alloc(cf, size + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (len = 0; len < size; len += n) {

        n = ngx_read_fd(fd, p + len, size - len);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               ngx_read_fd_n " \"%s\" failed", path->data);
            return NGX_ERROR;
        }

        if (n == 0) {
            break;
        }
    }

    if (len && p[len - 1] == LF) {
        len--;

        if (len && p[len - 1] == CR) {
            len--;
        }
    }

    if (len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "secret file \"%s\" is empty", path->data);
        return NGX_ERROR;
    }

    p[len] = '\0';

    value->len = len;
    value->data = p;

    return NGX_OK;
}


void
ngx_llm_secret_digest(ngx_str_t *text, u_char digest[NGX_LLM_DIGEST_LEN])
{
    EVP_MD_CTX  *md;

    md = ngx_llm_secret_md();

    /* once begun anew it holds nothing of the text that it took */

    if (md
        && EVP_DigestUpdate(md, text->data, text->len) == 1
        && EVP_DigestFinal_ex(md, digest, NULL) == 1
        && EVP_DigestInit_ex(md, ngx_llm_secret_sha256, NULL) == 1)
    {
        return;
    }

    if (md) {
        EVP_MD_CTX_free(md);
        ngx_llm_secret_sha256 = NULL;
    }

    (void) SHA256(text->data, text->len, digest);
}


/* a context that waits for a text, always the same one; NULL: there is none */

static EVP_MD_CTX *
ngx_llm_secret_md(void)
{
    static EVP_MD_CTX  *md;

    if (ngx_llm_secret_sha256) {
        return md;
    }

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NULL;
    }

#if (OPENSSL_VERSION_NUMBER >= 0x30000000L && !defined LIBRESSL_VERSION_NUMBER)
    ngx_llm_secret_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
#else
    ngx_llm_secret_sha256 = EVP_sha256();
#endif

    if (ngx_llm_secret_sha256
        && EVP_DigestInit_ex(md, ngx_llm_secret_sha256, NULL) == 1)
    {
        return md;
    }

    EVP_MD_CTX_free(md);
    ngx_llm_secret_sha256 = NULL;

    return NULL;
}


ngx_int_t
ngx_llm_secret_sign(ngx_str_t *secret, ngx_str_t *texts, ngx_uint_t n,
    u_char digest[NGX_LLM_DIGEST_LEN])
{
    u_char       length[8];
    size_t       len;
    EVP_PKEY    *key;
    ngx_int_t    rc;
    ngx_uint_t   i, k;
    EVP_MD_CTX  *md;

    if (secret->len == 0) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;
    md = NULL;

    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, secret->data,
                                       secret->len);
    if (key == NULL) {
        goto done;
    }

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        goto done;
    }

    if (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) != 1) {
        goto done;
    }

    for (i = 0; i < n; i++) {

        /* so that no two lists of texts look the same when joined */

        for (k = 0; k < 8; k++) {
            length[k] = (u_char) ((uint64_t) texts[i].len >> (56 - 8 * k));
        }

        if (EVP_DigestSignUpdate(md, length, 8) != 1) {
            goto done;
        }

        if (texts[i].len
            && EVP_DigestSignUpdate(md, texts[i].data, texts[i].len) != 1)
        {
            goto done;
        }
    }

    len = NGX_LLM_DIGEST_LEN;

    if (EVP_DigestSignFinal(md, digest, &len) == 1
        && len == NGX_LLM_DIGEST_LEN)
    {
        rc = NGX_OK;
    }

done:

    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);

    return rc;
}


ngx_uint_t
ngx_llm_secret_equal(u_char *a, u_char *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
