// The size is known before the first byte is written, so nothing grows and nothing is left behind.
#include "platform/oauth_form.hpp"

#include "platform/url.hpp"

namespace ig::platform {

Secret encoded_form(std::initializer_list<FormField> fields)
{
    std::size_t size = 0;
    for (const FormField &field : fields) size += field.name.size() + 3 * field.value.size() + 2;
    WipedText form(size);
    for (const FormField &field : fields) {
        if (!form.text.empty()) form.text += '&';
        form.text += field.name;
        form.text += '=';
        append_percent_encoded(form.text, field.value);
    }
    return Secret(form.text);
}

}  // namespace ig::platform
