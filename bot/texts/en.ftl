### Texts of the bot, English. Same keys and variables as ru.ftl (tests/bot/test_texts.py proves it).
### One leading symbol and a bold title; the cause; the money and the new balance; what to do.

language-name = English

## Before the first message

bot-description = Send a photo of your product and get a short video for your shop or social media. The first credits are a gift; if no video comes of it, the credits come back.
bot-about = Short videos from a photo of your product.

## Credits

credits = { $n ->
    [one] { $n } credit
   *[other] { $n } credits
}
balance-is = Balance: { $balance ->
    [one] { $balance } credit
   *[other] { $balance } credits
}.
money-back = { $credits ->
    [0] 💳 Nothing was charged. { balance-is }
    [one] 💳 Credits returned ↩️ ({ $credits } is back in your balance). { balance-is }
   *[other] 💳 Credits returned ↩️ ({ $credits } are back in your balance). { balance-is }
}
money-back-only = { $credits ->
    [0] 💳 Nothing was charged.
    [one] 💳 Credits returned ↩️ ({ $credits } is back in your balance).
   *[other] 💳 Credits returned ↩️ ({ $credits } are back in your balance).
}
money-held = { $credits ->
    [0] 💳 Free: nothing will be charged.
    [one] 💳 { $credits } credit is reserved; it is charged only when you have the video.
   *[other] 💳 { $credits } credits are reserved; they are charged only when you have the video.
}
money-held-plain = 💳 Credits are reserved; they are charged only when you have the video.
money-spent = { $credits ->
    [0] 💳 Free, nothing was charged.
    [one] 💳 { $credits } credit charged.
   *[other] 💳 { $credits } credits charged.
}
money-untouched = 💳 Nothing was charged.

## Start, help, terms

start = 🏠 <b>Videos from a photo of your product</b>

    Send a photo and get a short clip for your shop or social media.

    { $money }

    { photo-guide }

    Send a photo to begin.
start-trial = { $trial ->
    [one] 💳 A gift to begin with: { $trial } credit. { balance-is }
   *[other] 💳 A gift to begin with: { $trial } credits. { balance-is }
}
start-balance = 💳 { balance-is }
start-no-balance = 💳 The balance cannot be read right now, it is safe: /balance
photo-guide = <b>What a good photo is</b>
    • one product, large and whole
    • bright, without hard shadows
    • sharp, not blurred; shorter side from { $side } pixels
    • no people in it and no logos of others
    • best sent as a file: that keeps the quality
help = 🆘 <b>How it works</b>

    1. Send a photo of the product. Its caption becomes your wishes.
    2. Choose a style and check the price.
    3. Press “Create video”. The clip appears in place of the progress message.

    Credits are reserved at launch and charged only when you have the video. If it fails, they come back by themselves.

    { photo-guide }

    <b>Commands</b>
    /balance — balance and statement
    /history — your videos
    /cancel — cancel
    /language — language
    /support — support
    /terms — terms
    /delete — delete my data
support = 🆘 <b>Support</b>

    Write to { $support } and add the job number: it shows everything that happened to it.
    The numbers are in /history. Credits for failed videos come back by themselves, no need to write for that.
support-command = 🆘 <b>Support</b>

    Write it in one message: <code>/support your question</code>. We get it together with the number of your last job.
    Credits for failed videos come back by themselves, no need to write for that.
support-sent = ✅ <b>Your question was passed on</b>

    We will answer here. There is nothing more to do.
terms = 🏠 <b>Terms</b>

    • Credits are reserved at launch and charged only for a delivered video.
    • If the video fails, the reserved credits come back by themselves, once and in full.
    • Cancelling is free while a job waits. Once work on it has begun, it cannot be cancelled.
    • Sending a finished video again is free.
    • Trial credits are given once per account.
    • Send only photos you have the rights to: no faces of others, no brands of others, nothing explicit.
    • Questions about payments and refunds: /support.

## Language

language-ask = 🏠 <b>Which language should I use?</b>
language-set = ✅ <b>Done: English from now on</b>

    You can change it at any time: /language

## Photo and proposal

template-spin = Spin
template-lifestyle = In use
template-studio = Studio
template-macro = Close-up
template-hands = In hands
template-nature = Outdoors
template-own = Own description
template-spin-about = the camera slowly circles the product in a clean studio
template-studio-about = an advertising shot: the camera moves in, light glides over the product
template-lifestyle-about = the product in a cosy setting, warm daylight
template-macro-about = details and texture close by, then the whole product
template-hands-about = hands take the product, show it and put it back
template-nature-about = the product outdoors, soft morning light
template-own-about = a clip by your description
proposal = ✅ <b>The photo is fine. Shall we start?</b>

    Style: <b>{ $template }</b> — { $about }
    Model: <b>{ $model }</b>
    Wishes: { $wishes }

    { $money }
    ⏳ Usually { $minutes }; if it takes longer, I will say so.

    Press “Create video” or change the style. Wishes can simply be written here.
no-models = 🚧 <b>Generation is unavailable for now</b>

    It is on our side. The draft is kept, nothing was charged. Try later.
proposal-missing = ✅ <b>The photo is fine, but credits are missing</b>

    Style: <b>{ $template }</b> — { $about }
    Model: <b>{ $model }</b>
    Wishes: { $wishes }

    { $money }

    The draft is kept, nothing was charged. /support helps to top up, then press “Create video”.
price-and-balance = 💳 Price: { $price }. { balance-is }
price-and-missing = 💳 Price: { $price }. { balance-is } Missing: { $missing }.
price-only = 💳 Price: { $price }. The balance cannot be read right now, it is safe.
wishes-none = none
minutes = { $low ->
   *[other] { $low }–{ $high ->
        [one] { $high } minute
       *[other] { $high } minutes
    }
}
minutes-about = { $high ->
    [one] about { $high } minute
   *[other] about { $high } minutes
}
album-note = ⏳ <b>This is an album: I took the first photo that fits</b>

    A video is made from one photo. Press “Another photo of the album” in the message above to change it.
photo-unread = ⚠️ <b>The photo could not be loaded</b>

    Telegram does not hand it over yet. That happens, the photo is not to blame.

    { money-untouched }

    Send it again in a minute.
preflight = ❌ <b>{ $title }</b>

    { $cause }

    { money-untouched }

    💡 Advice: { $advice }

    🔁 Send another photo.
measured-side-px = The shorter side is { $measured } pixels, { $limit } or more are needed.
measured-luminance = Brightness { $measured } of 255, { $limit } or more are needed.
measured-contrast = The picture is nearly one colour: contrast { $measured }, { $limit } or more are needed.
measured-sharpness = Sharpness { $measured }, { $limit } or more are needed.
measured-bytes = The file weighs { $measured } MB, up to { $limit } MB can be taken.
measured-pixels = The picture has more than { $limit } megapixels.
measured-frames = It is an animation, one still picture is needed.
measured-ratio = The sides are { $measured } to one, 0.4 to 2.5 fit.
measured-format = It is a file of the kind { $detail }.
wishes-ask = ⏳ <b>Describe the clip</b>

    Write in one message what should happen: camera movement, background, mood.
    For example: “a sneaker turns slowly on wet asphalt, neon reflections”.
wishes-photo-first = ✅ <b>Wishes noted</b>

    { $wishes }

    Now send a photo of the product.
wishes-too-long = ⚠️ <b>The description is too long</b>

    It has { $length } characters, the model takes up to { $limit }. The draft is kept with your earlier wishes.

    Send a shorter one, in one message.
draft-dropped = ✅ <b>Draft deleted</b>

    { money-untouched }

    Send a new photo whenever you like.
new-photo-ask = 🏠 <b>Send a new photo of the product</b>

    { photo-guide }

## Launch

toast-launched = Started ✅
toast-exists = Already started: one job, one charge.
toast-outdated = This button is outdated. See the latest message.
toast-not-yours = This button is not yours.
toast-updated = Updated
toast-same = No change yet
toast-paused = Launches are paused for a while. Nothing was charged.
toast-busy = Several of your videos are being made already. Nothing was charged.
toast-missing = Credits are missing. Nothing was charged.
toast-retired = Conditions have changed: check the model and the price. Nothing was charged.
toast-sending = The video is being sent already.
toast-later = That did not work right now. Try again in a minute.
toast-no-album = No other photo of the album fits.
launch-paused = 🚧 <b>Launches are paused for a while</b>

    It is on our side, your photo is fine. Everything else works: balance, history, finished videos.

    { money-untouched }

    The draft is kept: press “Create video” later.
launch-busy = ⏳ <b>Several of your videos are being made already</b>

    Wait for one of them or cancel it: /history

    { money-untouched }

    The draft is kept.
try-later = ⚠️ <b>That did not work right now</b>

    It is on our side. Your draft and credits are safe.

    Try again in a minute.

## Progress

status-queued = ⏳ <b>Job accepted</b>

    { $place ->
        [0] You are almost at the front of the line.
       *[other] Place in line: { $place }.
    }
    While the job waits, cancelling is free.

    { $money }
status-generating = ⏳ <b>Generating the video… please wait</b>

    You may close the chat: the video appears in place of this message and I will let you know.
    Work on it has begun, so it can no longer be cancelled.

    { $money }
status-retrying = ⏳ <b>Still working on the video</b>

    You may close the chat: the video appears in place of this message and I will let you know.

    { $money }
status-sending = ⏳ <b>The video is ready, sending it</b>

    It appears in place of this message.

    { $money }
model-named = The model { $title }
model-any = The model
patience = ⏳ <b>Generation is taking longer than usual...</b>

    { $model } is busy right now 🔥
    I will keep trying, do not worry!

    { $money }

    If the error stays, we try again in 5 minutes. If that fails, the credits come back by themselves.
service-paused = 🚧 <b>Generation is paused</b>

    It is on our side, your photo is fine. We are on it and will continue by ourselves.

    { $money }

    You need not wait: the video comes here, and if it fails the credits come back by themselves.

## Endings

user-error = ❌ <b>{ $title }</b>

    { $cause }

    { $money }

    💡 Advice: { $advice }

    🔁 Try again.
overloaded = ⏳ <b>Generation took very long</b>

    { $model } is very busy right now 🔥

    { $money }

    🔁 Try later (give the servers 30 minutes of rest). Photo and wishes are kept.
system-error = ⚠️ <b>System error</b>

    Our servers are going through hard times 😅

    { $money }

    Try again in 5 minutes.
    If the error repeats, write to { $support }, job number { $job }.
system-error-ready = ⚠️ <b>The video is ready, but a system error kept it from being sent</b>

    Our servers are going through hard times 😅

    { $money }

    🔁 Press “Get my video” in 5 minutes. It is free.
send-failed = ✅ <b>The video is ready!</b>

    🌐 But sending it in Telegram failed.

    { $money }

    🔁 Press “Get my video”: it may go through next time. It is free.
send-failed-network = ✅ <b>The video is ready!</b>

    🌐 Network error while sending the video: Telegram is unavailable right now.

    { $money }

    🔁 Try again with “Get my video”. It is free.
cancelled = ✅ <b>Job cancelled</b>

    The render had not begun.

    { $money }

    🔁 Photo and wishes are kept: you can start it again.
expired = ⚠️ <b>The video was not made in time</b>

    It is on our side, your photo is fine.

    { $money }

    🔁 Try later. If it repeats, write to { $support }, job number { $job }.
expired-ready = ⚠️ <b>The video is ready, but it could not be delivered in time</b>

    Telegram did not take messages for you.

    { $money }

    🔁 Press “Get my video”: if it is still stored, it comes at once. It is free.
late-video = ✅ <b>The video is ready after all</b>

    It came late, but it worked.

    💳 Free: its credits are back already.

    Press “Get my video”.
bell-done = ✅ The video is ready, see above.
bell-refunded = 💳 Credits returned, details above.
bell-ready = ✅ The video is ready but was not sent: “Get my video” is above.
bell-failed = ⚠️ The video did not work out, details above.
caption = ✅ <b>Your video is ready</b>

    Style: { $template }
    { $money }
caption-free = ✅ <b>Your video</b>

    Style: { $template }
    { $money }

## Reasons of refusal: the cause in the user's words and one piece of advice

reason-image-too-dark = The photo is too dark.
    .title = The photo does not fit for a video
    .advice = show the product larger and in good light
reason-image-too-small = The photo is very small.
    .title = The photo does not fit for a video
    .advice = send the original as a file, not a screenshot
reason-image-blurry = The photo is blurred: the product is not clearly visible.
    .title = The photo does not fit for a video
    .advice = hold the camera still and wait for the focus on the product
reason-bad-format = This file does not open as a photo.
    .title = The photo does not fit for a video
    .advice = send a JPEG, PNG or WebP
reason-image-too-large = The file is too large.
    .title = The photo does not fit for a video
    .advice = send it as an ordinary photo, Telegram compresses it
reason-no-product = The product is not clearly visible.
    .title = The photo does not fit for a video
    .advice = show the product larger and in good light
reason-image-stretched = The picture is too long and narrow.
    .title = The photo does not fit for a video
    .advice = crop the picture closer to the product
reason-image-broken = The file is damaged and does not open.
    .title = The photo does not fit for a video
    .advice = send the picture again or take a new one
reason-invalid-image = Possible causes:
    • The photo is too dark
    • The product is not clearly visible
    • The photo is very small
    .title = The photo does not fit for a video
    .advice = show the product larger and in good light
reason-adult-content = It looks too revealing: the model's check does not let that through.
    .title = The photo did not pass the check
    .advice = take a photo of the product alone, on a table or a hanger
reason-content-policy = The model's check did not let the photo or the wishes through: people, a logo, a known character or a weapon.
    .title = The photo or the description did not pass the check
    .advice = leave only the product in the picture and take the style “Spin”
reason-real-person = There is a person in the picture, and the model does not animate real people.
    .title = The photo did not pass the check
    .advice = take a photo without people or crop the face
reason-protected-brand = The photo or the wishes show a brand of others or a known character.
    .title = The photo or the description did not pass the check
    .advice = cover the logo and take the name out of the wishes
reason-prompt-rejected = The model's check did not let the text of the wishes through.
    .title = The description does not fit
    .advice = describe it more simply: camera movement, background, light

## Cancelling

cancel-done = ✅ <b>Job cancelled</b>

    { $money }
cancel-too-late = ⚠️ <b>It can no longer be cancelled</b>

    Work on it has begun: it renders, or is about to. The video comes here, and if it fails the credits come back by themselves.
cancel-over = ⚠️ <b>This job has ended already</b>

    There is nothing to cancel. The result is in /history.
cancel-nothing = ⚠️ <b>There is nothing to cancel</b>

    There is no draft and no job in progress. Send a photo to begin.
cancel-ask = ⚠️ <b>Which job shall be cancelled?</b>

    What still waits can be cancelled free of charge.
toast-cancelled = Cancelled, credits returned.
toast-too-late = It can no longer be cancelled: work on it has begun.
toast-over = This job has ended already.
toast-unknown-job = You have no such job.

## The video once more

redeliver-started = ⏳ <b>Sending the video once more</b>

    💳 Free: nothing will be charged.
redeliver-gone = ⚠️ <b>This video is not here</b>

    It is not ready yet or its storage time is over. { money-untouched }

## Balance, statement, history

balance = 💳 <b>{ balance-is }</b>

    { $held ->
        [0] Nothing is reserved.
        [one] { $held } credit is reserved for videos in progress.
       *[other] { $held } credits are reserved for videos in progress.
    }

    <b>Statement</b>
    { $lines }
statement-empty = No movements yet.
statement-line = { $date } · { $delta } → { $balance } · { $what }
entry-hold = reserved for job { $job }
entry-capture = video received, job { $job }
entry-release = returned for job { $job }
entry-trial = gift to a new user
entry-grant = grant { $note }
entry-payment = payment { $note }
entry-correction = correction { $note }
history = 🏠 <b>Your videos</b>

    { $lines }
history-empty = 🏠 <b>No videos yet</b>

    Send a photo of the product and we begin.
history-line = { $date } · { $template } · { $state } · { $money } · { $job }
state-queued = ⏳ in line
state-generating = ⏳ generating
state-retry-wait = ⏳ in progress
state-sending = ⏳ sending
state-done = ✅ ready
state-refunded = ↩️ credits returned
state-failed = ❌ failed

## The unexpected: what came and what to do next

got-video = I do not take videos, only photos.
got-animation = An animation does not fit, an ordinary photo is needed.
got-sticker = A sticker does not fit, a photo of the product is needed.
got-voice = I do not listen to voice messages, please write.
got-document = This file does not look like a photo.
got-command = There is no such command. All commands: /help
got-other = Nothing can be done with such a message.
next-idle = Send a photo of the product and we begin.
next-photo = Your wishes are noted. Now send a photo of the product.
next-choice = The photo is here: choose a style and press “Create video” in the message above. The draft is kept.
next-wishes = I am waiting for a written description of the clip. The draft is kept.
answer = ⚠️ <b>{ $got }</b>

    { $next }
group-only = 🏠 I work only in a private chat.

## Buttons

btn-launch = ✅ Create video
btn-wishes = ✍️ Own description
btn-model = 🎬 { $model }
btn-next-photo = 🖼 Another photo of the album
btn-drop = ❌ Delete
btn-back = ↩️ Back to the proposal
btn-cancel = ❌ Cancel
btn-refresh = 🔄 Refresh
btn-again = 🔁 Again
btn-style = 🎨 Another style
btn-get = 🎬 Get my video
btn-new-photo = 🖼 New photo
btn-balance = 💳 Balance
btn-support = 🆘 Support

## Deleting data

delete-ask = ⚠️ <b>Delete your data?</b>

    Photos, videos and descriptions of all finished jobs go, and the draft. They cannot be had or repeated afterwards.
    Balance and statement stay: job numbers and amounts, without content.

    Messages in this chat are deleted by yourself, in Telegram.
delete-done = ✅ <b>Your data is deleted</b>

    Jobs cleared: { $jobs }. Balance and statement are as they were.

    { $rest }
delete-live = Still in work: { $live }. When they have ended, send /delete again.
delete-all = Files uploaded for the model disappear there by themselves, within two weeks at most.
btn-delete = ❌ Delete my data

## Commands in the menu

cmd-start = Begin
cmd-balance = Balance and statement
cmd-history = Your videos
cmd-cancel = Cancel
cmd-language = Language
cmd-help = How it works
cmd-support = Support
cmd-terms = Terms

## Admin chat

incident = { $symbol } <b>{ $kind }</b> × { $count }

    { $facts }
incident-over = ✅ <b>Over: { $kind }</b> × { $count }

    { $facts }
alert-kind-log = System failure, retrying
alert-kind-gave-up = Gave up: retries used up, credits returned
alert-kind-incident = Incident: only we can mend it
alert-kind-unknown = Unknown error text
alert-kind-late-cost = Late success: cost without income
alert-kind-update = A user's message was not handled
alert-kind-support = Question of a user
alert-kind-other = Event
alert-do-resume = There may be no new launches. Mended? /resume and /resolve { $number }
alert-do-classify = Triage: add a rule to the classifier, then /resolve { $number }
alert-do-resolve = Dealt with? /resolve { $number }
admin-alerts-empty = ✅ <b>All is quiet</b>

    No open incidents, no jobs in trouble, launches are on.
admin-alerts = ⚠️ <b>Incidents: { $incidents }, jobs with errors: { $jobs }</b>

    Launches: { $paused }

    { $lines }
admin-incident-line = { $symbol } { $kind } × { $count } · { $last } · { $text } · /resolve { $number }
admin-resolved = ✅ <b>Incident closed</b>
admin-no-incident = ⚠️ <b>There is no such open incident</b>

    The list: /alerts
admin-alert-line = { $state } · { $reason } × { $failures } · /job { $job }
admin-running = on
admin-paused = 🚧 <b>Launches are paused</b>

    Why: { $why }. Drafts are taken, nothing is charged.
    Bring them back: /resume
admin-resumed = ✅ <b>Launches are on</b>
admin-job = ⚠️ <b>Job { $job }</b>

    User: { $user }
    State: { $state }, credits: { $cost } ({ $hold })
    Model: { $model }, provider tasks: { $tasks }, spent there: { $spent }
    Last reason: { $reason }

    { $lines }
admin-job-line = { $seq } · { $time } · { $source } → { $target } · { $edge }
admin-no-job = ⚠️ <b>No job { $job }</b>
admin-granted = ✅ <b>Granted: { $amount }</b>

    User { $user }, why: { $why }. { balance-is }
admin-granted-before = ⚠️ <b>This grant was booked before</b>

    User { $user }. { balance-is }
support-answer = 🆘 <b>Answer from support</b>

    { $text }
admin-answered = ✅ <b>Answer sent</b>
admin-not-answered = ⚠️ <b>The answer did not arrive</b>

    User { $user } has closed the chat with the bot.
admin-usage = ⚠️ <b>I do not follow</b>

    /alerts — open incidents and jobs in trouble
    /resolve number — close an incident
    /job number — a job and its history
    /pause why — stop launches
    /resume — bring launches back
    /answer user text — answer a question
    /grant user number why — grant credits
