/* Values of parameters: the defaults, and what users set by name. */
#include "kernel/params.h"

#include <stdio.h>

void
kernel_params_init(struct kernel_params *kp, struct arena *a)
{
    memset(kp, 0, sizeof(*kp)); /* feature switches are turned on one by one */
    fields_init(kernel_param_fields, kp, a);
}

static bool
set_all_noise(struct kernel_params *kp, const char *value, struct arena *a, char *why,
              size_t why_size)
{
    for (const struct field *f = kernel_param_fields; f->name != NULL; f++)
        if (strncmp(f->name, "noise.", 6) == 0 && f->type == FIELD_BOOL &&
            !field_set(f, kp, value, a, why, why_size))
            return false;
    return true;
}

/* "4,1,2" */
static bool
set_weights(struct mm_params *mm, const char *text, char *why, size_t why_size)
{
    uint8_t weights[ARRAY_LEN(mm->weights)] = { 0 };
    const char *at = text;

    for (uint32_t n = 0; n < ARRAY_LEN(weights); n++) {
        uint32_t weight = 0, digits = 0;

        for (; *at >= '0' && *at <= '9' && digits < 4; at++, digits++)
            weight = 10 * weight + (uint32_t)(*at - '0');
        if (weight < 1 || weight > 255 || (*at != ',' && *at != '\0'))
            break;
        weights[n] = (uint8_t)weight;
        if (*at++ == '\0') {
            memcpy(mm->weights, weights, sizeof(weights));
            return true;
        }
    }
    snprintf(why, why_size,
             "'%.40s' are not weights; write numbers from 1 to 255 by node, as in 4,1", text);
    return false;
}

bool
kernel_params_set(struct kernel_params *kp, const char *key, const char *value, struct arena *a,
                  char *why, size_t why_size)
{
    if (strcmp(key, "noise") == 0)
        return set_all_noise(kp, value, a, why, why_size);
    const struct field *f = fields_find(kernel_param_fields, key);
    if (f == NULL) {
        snprintf(why, why_size, "there is no parameter '%s'", key);
        return false;
    }
    if (f->offset == offsetof(struct kernel_params, mm.interleave_weights) &&
        !set_weights(&kp->mm, value, why, why_size))
        return false;
    return field_set(f, kp, value, a, why, why_size);
}
