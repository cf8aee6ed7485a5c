// The catalogue itself, in the order in which the API's own error text lists the names.
#include "metrics.hpp"

namespace ig::sandbox {

const std::vector<Metric> &all_metrics()
{
    using K = MetricKind;
    static constexpr std::string_view product = "media_product_type";
    static constexpr std::string_view people = "age,city,country,gender";
    // name, title, kind, series, total, unique, needs followers, periods, breakdowns, typical
    static const std::vector<Metric> metrics = {
        {"reach", "Reach · Erreichte Konten", K::number, true, true, true, false, "day,week,days_28",
         "media_product_type,follow_type", 400},
        {"follower_count", "Follower Count / Abonnés", K::number, true, false, false, true, "day", "", 4},
        {"website_clicks", "Website Clicks", K::number, false, true, false, false, "day", "", 5},
        {"profile_views", "Profile Views / Visites", K::number, false, true, false, false, "day", "", 30},
        {"online_followers", "Online Followers 🕒", K::hours, true, false, false, true, "lifetime", "", 20},
        {"accounts_engaged", "Accounts engaged / Contas", K::number, false, true, true, false, "day", "", 40},
        {"total_interactions", "Content interactions", K::number, false, true, false, false, "day", product, 60},
        {"likes", "Likes ❤", K::number, false, true, false, false, "day", product, 40},
        {"comments", "Comments", K::number, false, true, false, false, "day", product, 6},
        {"shares", "Shares", K::number, false, true, false, false, "day", product, 4},
        {"saves", "Saves", K::number, false, true, false, false, "day", product, 3},
        {"replies", "Replies", K::number, false, true, false, false, "day", "", 2},
        {"engaged_audience_demographics", "Engaged audience demographics", K::demographics, false, true, false, true,
         "lifetime", people, 0},
        {"reached_audience_demographics", "Reached audience demographics", K::demographics, false, true, false, true,
         "lifetime", people, 0},
        {"follower_demographics", "Follower demographics", K::demographics, false, true, false, true, "lifetime",
         people, 0},
        {"follows_and_unfollows", "Follows and unfollows", K::follows, false, true, false, true, "day", "follow_type",
         6},
        {"profile_links_taps", "Profile links taps", K::number, false, true, false, false, "day", "contact_button_type",
         3},
        {"views", "Views 👀", K::number, false, true, false, false, "day", "media_product_type,follow_type", 900},
        {"quotes", "Quotes", K::number, false, true, false, false, "day", "", 1},
        {"reposts", "Reposts", K::number, false, true, false, false, "day", "", 2},
        {"content_views", "Content views", K::number, false, true, false, false, "day", "", 800},
        {"threads_views", "Threads views", K::threads, true, true, false, false, "day", "", 0},
        {"threads_likes", "Threads likes", K::threads, true, true, false, false, "day", "", 0},
        {"threads_replies", "Threads replies", K::threads, true, true, false, false, "day", "", 0},
        {"threads_reposts", "Threads reposts", K::threads, true, true, false, false, "day", "", 0},
        {"threads_clicks", "Threads clicks", K::threads, true, true, false, false, "day", "", 0},
        {"threads_followers", "Threads followers", K::threads, true, true, false, false, "day", "", 0},
        {"threads_follower_demographics", "Threads demographics", K::threads, true, true, false, false, "lifetime", "",
         0},
    };
    return metrics;
}

const Metric *find_metric(std::string_view name)
{
    for (const Metric &metric : all_metrics()) {
        if (metric.name == name) return &metric;
    }
    return nullptr;
}

std::string_view removed_in(std::string_view name)
{
    if (name == "impressions") return "22";
    if (name == "audience_gender_age" || name == "audience_locale" || name == "audience_country" ||
        name == "audience_city") {
        return "18";
    }
    return {};
}

bool list_has(std::string_view list, std::string_view word)
{
    for (const std::string &entry : split_list(list)) {
        if (entry == word) return true;
    }
    return false;
}

std::vector<std::string> split_list(std::string_view list)
{
    std::vector<std::string> words;
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        words.emplace_back(list.substr(0, comma));
        if (comma == std::string_view::npos) break;
        list.remove_prefix(comma + 1);
    }
    return words;
}

std::string join(const std::vector<std::string> &words, std::string_view separator)
{
    std::string text;
    for (const std::string &word : words) {
        if (!text.empty()) text += separator;
        text += word;
    }
    return text;
}

}  // namespace ig::sandbox
