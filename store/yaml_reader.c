#include "store/yaml_reader.h"

#include "base/memory.h"

#include <string.h>
#include <yaml.h>

/* Nodes and texts live in blocks that are released together. */
typedef struct block {
    struct block *next;
    size_t used, size;
} block;

enum { BLOCK_SIZE = 32 * 1024, HEADER = (sizeof(block) + 15) / 16 * 16 };

struct eqs_yaml {
    block *blocks;
    eqs_yaml_node *root;
};

typedef struct reader {
    yaml_parser_t parser;
    const char *name;
    eqs_yaml *yaml;
} reader;

static void *take(eqs_yaml *yaml, size_t size)
{
    size = (size + 15) / 16 * 16;
    if (yaml->blocks == NULL || yaml->blocks->size - yaml->blocks->used < size) {
        size_t room = size + HEADER > BLOCK_SIZE ? size + HEADER : BLOCK_SIZE;
        block *fresh = eqs_alloc(room, 1);
        if (fresh == NULL)
            return NULL;
        *fresh = (block){yaml->blocks, HEADER, room};
        yaml->blocks = fresh;
    }
    void *piece = (char *)yaml->blocks + yaml->blocks->used;
    yaml->blocks->used += size;
    return piece;
}

static eqs_status fail_at(const reader *r, yaml_mark_t mark, const char *what)
{
    return eqs_fail(EQS_BAD_CONFIG, "%s:%zu:%zu: %s", r->name, mark.line + 1, mark.column + 1, what);
}

/* next event; syntax errors become messages with their position */
static eqs_status next_event(reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return EQS_OK;
    if (r->parser.error == YAML_MEMORY_ERROR)
        return eqs_fail(EQS_NO_MEMORY, "%s: no memory to parse YAML", r->name);
    const char *problem = r->parser.problem != NULL ? r->parser.problem : "not YAML";
    return eqs_fail(EQS_BAD_CONFIG, "%s:%zu:%zu: YAML syntax: %s%s%s", r->name,
                    r->parser.problem_mark.line + 1, r->parser.problem_mark.column + 1, problem,
                    r->parser.context != NULL ? " " : "", r->parser.context != NULL ? r->parser.context : "");
}

/* why an event is not allowed in a configuration, or NULL */
static const char *forbidden(const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return "aliases (*name) are not allowed";
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL)
            return "a zero byte inside a text is not allowed";
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    return anchor != NULL ? "anchors (&name) are not allowed"
           : tag != NULL  ? "tags (!name) are not allowed"
                          : NULL;
}

static eqs_status copy_text(reader *r, const yaml_event_t *event, const char **out)
{
    size_t length = event->data.scalar.length;
    char *text = take(r->yaml, length + 1);
    if (text == NULL)
        return EQS_NO_MEMORY;
    memcpy(text, event->data.scalar.value, length);
    text[length] = '\0';
    *out = text;
    return EQS_OK;
}

static eqs_status read_node(reader *r, const yaml_event_t *start, int depth, eqs_yaml_node **out);

/* reads the key of a mapping entry out of `event` */
static eqs_status read_key(reader *r, const eqs_yaml_node *mapping, const yaml_event_t *event,
                           const char **key)
{
    const char *why = forbidden(event);
    if (why == NULL && event->type != YAML_SCALAR_EVENT)
        why = "a key must be a plain name";
    if (why == NULL && mapping->n_children >= EQS_YAML_MAX_KEYS)
        why = "more than 1000 keys in one mapping";
    if (why != NULL)
        return fail_at(r, event->start_mark, why);
    EQS_TRY(copy_text(r, event, key));
    for (const eqs_yaml_node *child = mapping->first; child != NULL; child = child->next)
        if (strcmp(child->key, *key) == 0)
            return eqs_fail(EQS_BAD_CONFIG, "%s:%zu:%zu: key '%.64s' is given twice (first in line %zu)",
                            r->name, event->start_mark.line + 1, event->start_mark.column + 1, *key,
                            child->key_line);
    return EQS_OK;
}

/* One entry of a collection: key (mappings) and value. *done is set by the event that ends the collection. */
static eqs_status read_entry(reader *r, eqs_yaml_node *parent, int depth, eqs_yaml_node **out, bool *done)
{
    yaml_event_t event;
    const char *key = NULL;
    yaml_mark_t key_mark = {0};
    EQS_TRY(next_event(r, &event));
    *done = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
    if (!*done && parent->kind == EQS_YAML_MAPPING) {
        key_mark = event.start_mark;
        eqs_status status = read_key(r, parent, &event, &key);
        yaml_event_delete(&event);
        EQS_TRY(status);
        EQS_TRY(next_event(r, &event));
    }
    eqs_status status = *done ? EQS_OK : read_node(r, &event, depth + 1, out);
    yaml_event_delete(&event);
    if (status == EQS_OK && !*done) {
        (*out)->key = key;
        (*out)->key_line = key_mark.line + 1;
        (*out)->key_column = key_mark.column + 1;
    }
    return status;
}

static eqs_status read_children(reader *r, eqs_yaml_node *parent, int depth)
{
    eqs_yaml_node **tail = &parent->first;
    for (;;) {
        bool done = false;
        eqs_yaml_node *child = NULL;
        EQS_TRY(read_entry(r, parent, depth, &child, &done));
        if (done)
            return EQS_OK;
        *tail = child;
        tail = &child->next;
        parent->n_children++;
    }
}

static eqs_status read_node(reader *r, const yaml_event_t *start, int depth, eqs_yaml_node **out)
{
    const char *why = forbidden(start);
    if (why == NULL && depth > EQS_YAML_MAX_DEPTH)
        why = "nested deeper than 16 levels";
    if (why != NULL)
        return fail_at(r, start->start_mark, why);
    eqs_yaml_node *node = take(r->yaml, sizeof *node);
    if (node == NULL)
        return EQS_NO_MEMORY;
    *node = (eqs_yaml_node){.line = start->start_mark.line + 1, .column = start->start_mark.column + 1};
    *out = node;
    switch (start->type) {
    case YAML_SCALAR_EVENT:
        node->kind = EQS_YAML_SCALAR;
        node->plain = start->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        return copy_text(r, start, &node->text);
    case YAML_SEQUENCE_START_EVENT:
        node->kind = EQS_YAML_SEQUENCE;
        return read_children(r, node, depth);
    case YAML_MAPPING_START_EVENT:
        node->kind = EQS_YAML_MAPPING;
        return read_children(r, node, depth);
    default:
        return fail_at(r, start->start_mark, "unexpected YAML structure");
    }
}

/* the stream: at most one document */
static eqs_status read_stream(reader *r)
{
    size_t documents = 0;
    for (;;) {
        yaml_event_t event;
        EQS_TRY(next_event(r, &event));
        eqs_status status = EQS_OK;
        bool end = event.type == YAML_STREAM_END_EVENT;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_STREAM_END_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (++documents > 1)
                status = fail_at(r, event.start_mark, "found a second document, allowed one");
            break;
        default:
            status = read_node(r, &event, 1, &r->yaml->root);
        }
        yaml_event_delete(&event);
        if (status != EQS_OK || end)
            return status;
    }
}

eqs_status eqs_yaml_read(const char *text, size_t length, const char *name, eqs_yaml **out)
{
    *out = NULL;
    if (length > EQS_YAML_MAX_BYTES)
        return eqs_fail(EQS_BAD_CONFIG, "%s: found %zu bytes, allowed %d", name, length, EQS_YAML_MAX_BYTES);
    reader r = {.name = name};
    r.yaml = eqs_alloc(1, sizeof *r.yaml);
    if (r.yaml == NULL)
        return EQS_NO_MEMORY;
    if (!yaml_parser_initialize(&r.parser)) {
        eqs_yaml_destroy(r.yaml);
        return eqs_fail(EQS_NO_MEMORY, "%s: no memory to parse YAML", name);
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length);
    eqs_status status = read_stream(&r);
    yaml_parser_delete(&r.parser);
    if (status != EQS_OK) {
        eqs_yaml_destroy(r.yaml);
        return status;
    }
    *out = r.yaml;
    return EQS_OK;
}

void eqs_yaml_destroy(eqs_yaml *yaml)
{
    if (yaml == NULL)
        return;
    for (block *next, *b = yaml->blocks; b != NULL; b = next) {
        next = b->next;
        eqs_free(b);
    }
    eqs_free(yaml);
}

const eqs_yaml_node *eqs_yaml_root(const eqs_yaml *yaml)
{
    return yaml->root;
}

bool eqs_yaml_is_null(const eqs_yaml_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (node->kind != EQS_YAML_SCALAR || !node->plain)
        return false;
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        if (strcmp(node->text, nulls[i]) == 0)
            return true;
    return false;
}
