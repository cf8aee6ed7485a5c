// Answers in the API's true shapes, with invented ids and numbers.
#pragma once

#include <string_view>

namespace ig::platform::samples {

inline constexpr std::string_view time_series = R"({"data":[
  {"name":"reach","period":"day",
   "values":[{"value":1204,"end_time":"2026-11-20T08:00:00+0000"},
             {"value":1388,"end_time":"2026-11-21T08:00:00+0000"}],
   "title":"Reach","description":"The number of unique accounts that saw your content.",
   "id":"17841400000000001/insights/reach/day"},
  {"name":"follower_count","period":"day",
   "values":[{"value":7,"end_time":"2026-11-20T08:00:00+0000"},
             {"value":0,"end_time":"2026-11-21T08:00:00+0000"}],
   "title":"Follower Count","description":"New followers each day.",
   "id":"17841400000000001/insights/follower_count/day"}],
 "paging":{"previous":
             "https:\/\/graph.facebook.com\/v25.0\/1784\/insights?access_token=EAAinventedinvented00&since=1&until=2",
           "next":
             "https://graph.facebook.com/v25.0/1784/insights?access_token=EAAinventedinvented00&since=3&until=4"}})";

inline constexpr std::string_view totals = R"({"data":[
  {"name":"views","period":"day","title":"Views","description":"...","total_value":{"value":5321},
   "id":"17841400000000001/insights/views/day"},
  {"name":"reach","period":"day","title":"Accounts reached","description":"...",
   "total_value":{"value":910,
     "breakdowns":[{"dimension_keys":["media_product_type"],
       "results":[{"dimension_values":["REEL"],"value":655},
                  {"dimension_values":["POST"],"value":318}]}]},
   "id":"17841400000000001/insights/reach/day"}]})";

inline constexpr std::string_view demographics =
    R"({"data":[{"name":"engaged_audience_demographics","period":"lifetime",
  "title":"...","description":"...","total_value":{"breakdowns":[{"dimension_keys":["timeframe","country"],
    "results":[{"dimension_values":["LAST_90_DAYS","BR"],"value":31},
               {"dimension_values":["LAST_90_DAYS","US"],"value":12}]}]},
  "id":"17841400000000001/insights/engaged_audience_demographics/lifetime"}]})";

inline constexpr std::string_view follows_busy = R"({"data":[{"name":"follows_and_unfollows","period":"day",
  "total_value":{"breakdowns":[{"dimension_keys":["follow_type"],
    "results":[{"dimension_values":["FOLLOWER"],"value":33},{"dimension_values":["NON_FOLLOWER"],"value":12}]}]}}]})";

inline constexpr std::string_view follows_quiet =
    R"({"data":[{"name":"follows_and_unfollows","period":"day","total_value":{"value":0}}]})";

inline constexpr std::string_view online_followers =
    R"({"data":[{"name":"online_followers","period":"lifetime","values":[
  {"value":{},"end_time":"2026-11-19T08:00:00+0000"},
  {"value":{"0":61,"7":15,"22":940},"end_time":"2026-11-20T08:00:00+0000"}],
  "title":"Online Followers","description":"...","id":"17841400000000001/insights/online_followers/lifetime"}]})";

// A breakdown answer of the media kind: both shapes at once.
inline constexpr std::string_view both_shapes =
    R"({"data":[{"name":"navigation","period":"lifetime","values":[{"value":57}],
  "total_value":{"value":57,"breakdowns":[{"dimension_keys":["story_navigation_action_type"],
    "results":[{"dimension_values":["tap_forward"],"value":40}]}]},
  "id":"17900000000000009/insights/navigation/lifetime"}]})";

// Threads' mixture of shapes in one answer.
inline constexpr std::string_view mixed = R"({"data":[
 {"name":"views","period":"day","values":[{"value":10,"end_time":"2026-11-20T08:00:00+0000"},
   {"value":20,"end_time":"2026-11-21T08:00:00+0000"}],
   "title":"views","description":"...","id":"178/insights/views/day"},
 {"name":"likes","period":"day","title":"likes","description":"...","total_value":{"value":3},
  "id":"178/insights/likes/day"},
 {"name":"followers_count","period":"day","title":"followers_count","description":"...","total_value":{"value":51},
  "id":"178/insights/followers_count/day"}],
 "paging":{"previous":"https://graph.threads.net/v1.0/...","next":"https://graph.threads.net/v1.0/..."}})";

inline constexpr std::string_view user_node =
    R"({"followers_count":5120,"username":"acme","name":"Acme \u00e9t\u00e9","id":"17841400000000001"})";

inline constexpr std::string_view pages = R"({"data":[
  {"id":"100000000000001","name":"Acme","access_token":"EAApinventedinventedinvented",
   "tasks":["ANALYZE","ADVERTISE","MESSAGING","MODERATE","CREATE_CONTENT","MANAGE"],
   "instagram_business_account":{"id":"17841400000000001","username":"acme"}},
  {"id":"100000000000002","name":"Page without Instagram","access_token":"EAAqinventedinvented","tasks":["ANALYZE"]}],
 "paging":{"cursors":{"before":"QVFI111","after":"QVFI222"}}})";

inline constexpr std::string_view me_wrapped = R"({"data":[{"user_id":"17841400000000001","username":"acme"}]})";
inline constexpr std::string_view me_flat =
    R"({"user_id":"17841400000000001","username":"acme","id":"99887766554433"})";

inline constexpr std::string_view error_full =
    R"({"error":{"message":"Invalid parameter","type":"OAuthException","code":100,
  "error_data":{"blame_field_specs":[[""]]},"error_subcode":2108006,"is_transient":false,
  "error_user_title":"Media posted before business account conversion",
  "error_user_msg":"The media was posted before ...","fbtrace_id":"AVulinvented"}})";
inline constexpr std::string_view error_flat =
    R"({"error_type":"OAuthException","code":400,"error_message":"Matching code was not found or was already used"})";
inline constexpr std::string_view error_debug =
    R"({"data":{"error":{"code":190,
    "message":"Error validating access token: Session has expired on Friday, 20-Nov-26 10:00:00 PST.",
    "subcode":463},"is_valid":false,"scopes":[]}})";
inline constexpr std::string_view error_legacy = R"({"error_code":1,"error_msg":"An unknown error occurred"})";
inline constexpr std::string_view error_throttled =
    R"({"error":{"message":"There have been too many calls to this Instagram account. Wait a bit and try again.",
    "type":"OAuthException","code":80002,"error_data":"{\"estimated_time_to_regain_access\":19}","fbtrace_id":"A1"}})";

inline constexpr std::string_view readable[] = {
    time_series, totals, demographics, follows_busy, follows_quiet, online_followers,
    both_shapes, mixed,  user_node,    pages,        me_wrapped,    me_flat};
inline constexpr std::string_view errors[] = {error_full, error_flat, error_debug, error_legacy, error_throttled};

}  // namespace ig::platform::samples
