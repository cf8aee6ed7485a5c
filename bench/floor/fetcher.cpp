// One epoll for libcurl's sockets and the database's: answers are read as they come, rows are stored meanwhile.
#include "floor/fetcher.hpp"

#include <algorithm>
#include <stdexcept>

#include <sys/epoll.h>
#include <unistd.h>

namespace ig::bench {

Fetcher::Fetcher(FetchOptions options, Writer &writer)
    : options_(std::move(options)), writer_(writer), multi_(curl_multi_init()), epoll_(epoll_create1(EPOLL_CLOEXEC))
{
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Fetcher::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Fetcher::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = writer_.socket();
    epoll_ctl(epoll_, EPOLL_CTL_ADD, writer_.socket(), &event);
}

Fetcher::~Fetcher()
{
    for (const auto &slot : slots_) {
        curl_easy_cleanup(slot->easy);
        curl_slist_free_all(slot->headers);
    }
    curl_multi_cleanup(multi_);
    close(epoll_);
}

int Fetcher::on_socket(CURL *, curl_socket_t socket, int what, void *self, void *known)
{
    auto &fetcher = *static_cast<Fetcher *>(self);
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(fetcher.epoll_, EPOLL_CTL_DEL, socket, nullptr);
        return 0;
    }
    epoll_event event{};
    event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
    event.data.fd = socket;
    epoll_ctl(fetcher.epoll_, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
    if (known == nullptr) curl_multi_assign(fetcher.multi_, socket, self);
    return 0;
}

int Fetcher::on_timer(CURLM *, long milliseconds, void *self)
{
    static_cast<Fetcher *>(self)->timeout_ = milliseconds;
    return 0;
}

std::size_t Fetcher::on_body(char *data, std::size_t size, std::size_t count, void *slot)
{
    static_cast<Slot *>(slot)->answer.append(data, size * count);
    return size * count;
}

void Fetcher::add_slot()
{
    auto slot = std::make_unique<Slot>();
    slot->easy = curl_easy_init();
    curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot.get());
    curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    curl_easy_setopt(slot->easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    curl_easy_setopt(slot->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, &Fetcher::on_body);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEDATA, slot.get());
    slots_.push_back(std::move(slot));
}

bool Fetcher::begin(Slot &slot)
{
    if (next_ == work_->calls.size()) return false;
    slot.first = next_;
    slot.count = std::min(options_.batch, work_->calls.size() - next_);
    next_ += slot.count;
    slot.answer.clear();
    slot.url = options_.url + "/";
    curl_slist_free_all(slot.headers);
    slot.headers = curl_slist_append(nullptr, "Expect:");
    if (options_.batch == 1) {
        const Call &call = work_->calls[slot.first];
        work_->append_path(slot.url, call);
        slot.headers =
            curl_slist_append(slot.headers, ("Authorization: Bearer " + work_->accounts[call.account].token).c_str());
        curl_easy_setopt(slot.easy, CURLOPT_HTTPGET, 1L);
    } else {
        slot.url += "v25.0/";
        slot.form = batch_form(*work_, &work_->calls[slot.first], slot.count);
        curl_easy_setopt(slot.easy, CURLOPT_POST, 1L);
        curl_easy_setopt(slot.easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(slot.form.size()));
        curl_easy_setopt(slot.easy, CURLOPT_POSTFIELDS, slot.form.data());
    }
    curl_easy_setopt(slot.easy, CURLOPT_HTTPHEADER, slot.headers);
    curl_easy_setopt(slot.easy, CURLOPT_URL, slot.url.c_str());
    curl_multi_add_handle(multi_, slot.easy);
    ++flying_;
    ++requests_;
    return true;
}

void Fetcher::take_finished()
{
    int left = 0;
    while (const CURLMsg *message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL *easy = message->easy_handle;
        const CURLcode result = message->data.result;
        Slot *slot = nullptr;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(multi_, easy);
        --flying_;
        if (result != CURLE_OK) throw std::runtime_error(curl_easy_strerror(result));
        if (status != 200) throw std::runtime_error("HTTP status " + std::to_string(status));
        // The next request goes out before this answer is read: the network waits for nobody.
        std::string answer = std::move(slot->answer);
        const Call *calls = &work_->calls[slot->first];
        const std::size_t count = slot->count;
        slot->answer = std::string();
        begin(*slot);
        if (options_.batch == 1) read_answer(writer_.rows(), *work_, *calls, answer.data());
        else read_batch(writer_.rows(), *work_, calls, count, answer.data());
    }
}

void Fetcher::watch_writer()
{
    if (writer_.wants_write() == writer_writes_) return;
    writer_writes_ = writer_.wants_write();
    epoll_event event{};
    event.events = writer_writes_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.fd = writer_.socket();
    epoll_ctl(epoll_, EPOLL_CTL_MOD, writer_.socket(), &event);
}

void Fetcher::turn()
{
    epoll_event events[256];
    const int count = epoll_wait(epoll_, events, 256, static_cast<int>(std::clamp(timeout_, -1L, 1000L)));
    int running = 0;
    if (count == 0) curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == writer_.socket()) {
            writer_.go_on();
            continue;
        }
        const int what = ((events[i].events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                         ((events[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                         ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(multi_, events[i].data.fd, what, &running);
    }
    // Handles that were added fire a timer of 0 ms; sockets that are always ready must not starve it.
    if (timeout_ == 0) curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
}

std::size_t Fetcher::run(const Work &work, std::size_t at_once, std::size_t batch)
{
    work_ = &work;
    options_.batch = batch;
    next_ = requests_ = 0;
    writer_.reset();
    // Every handle may keep its connection for the next run.
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(2 * at_once));
    while (slots_.size() < at_once) add_slot();
    for (std::size_t i = 0; i < at_once; ++i)
        if (!begin(*slots_[i])) break;
    while (flying_ > 0 || writer_.storing() || writer_.rows().count > 0) {
        turn();
        take_finished();
        writer_.send(options_.enough, flying_ == 0);
        watch_writer();
    }
    return requests_;
}

}  // namespace ig::bench
