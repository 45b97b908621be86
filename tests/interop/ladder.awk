# tests/interop/ladder.awk -- a SIPp scenario from the ladder of a call:  awk -f ladder.awk <LADDER >SCENARIO.xml
#
#   < INVITE | < 200        wait for this request, this response; the words
#                           optional; timeout=MS else=LABEL
#   > 200 OK | > BYE        a response to what came last (for=INVITE: to the last INVITE,
#                           for=BYE1: to the first BYE), a request in the dialog; the words
#                           sdp, sdp=sendonly, body=TYPE: a body, the latter of the lines |TEXT that follow
#                           tag=T: of ours (sipp)      contact=URI, contact=: another Contact, none
#                           cseq=N  uri=URI  to=VALUE  call=CALL-ID  branch=B  via=none; of a response with for= also cseq=none
#                           again: with the CSeq and the branch of the request before
#   + Name: text            behind < : this header field matches the extended regular expression; + !Name: it does not;
#                           + body: the body. Behind > : a header field more.
#   pause MS    silence MS  nothing to do; nothing may come
#   label N     goto N      jumps
#   turn N LABEL            behind the first < : the Nth call of this scenario goes on at LABEL
#   # ...                   comment
#
# Whoever begins with < is called: he answers with the tag sipp, and his own requests begin with CSeq 1. Variables of the
# scenario: peer (the other's From or To), target (his Contact), rseq (of a 18x), via_M branch_M cseq_M from_M
# to_M of a request, M being INVITE1, INVITE2, BYE1 and so on.

function escaped(s) {
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	gsub(/>/, "\\&gt;", s)
	gsub(/"/, "\\&quot;", s)
	return s
}
function uses(name) {
	if (!(name in used)) {
		used[name] = 1
		names = names (names == "" ? "" : ",") name
	}
	return name
}
function die(why) {
	print "ladder: line " NR ": " why ": " $0 >"/dev/stderr"
	failed = 1
	exit 1
}
# The words of a line into word[]; what is none of them is the reason phrase.
function words(from,   i, n, key, known) {
	split("", word)
	reason = ""
	for (i = from; i <= NF; i++) {
		n = index($i, "=")
		key = n ? substr($i, 1, n - 1) : $i
		known = " optional timeout else for sdp body tag contact cseq uri to from call branch via again "
		if (index(known, " " key " "))
			word[key] = n ? substr($i, n + 1) : "yes"
		else
			reason = reason (reason == "" ? "" : " ") $i
	}
}

# ---- what comes

function capture(name, header, regexp) {
	actions = actions "<ereg regexp=\"" regexp "\" search_in=\"hdr\" header=\"" header ":\" assign_to=\"" uses(name) "\"/>\n"
}
function begin_recv(what) {
	words(3)
	if (role == "")
		role = "called"
	actions = ""
	attributes = ""
	if ("optional" in word)
		attributes = attributes " optional=\"true\""
	if ("timeout" in word)
		attributes = attributes " timeout=\"" word["timeout"] "\" ontimeout=\"" word["else"] "\""
	if (what ~ /^[0-9]/) {
		open = "<recv response=\"" what "\"" attributes ">"
		if (what > 100 && what < 300 && (asked == "INVITE" || asked == "PRACK" && what == 200) && !inside) {
			capture("peer", "To", "&lt;.*")
			if (asked == "INVITE")
				capture("target", "Contact", "sip:[^&gt;]*")
			if (what < 200)
				capture("rseq", "RSeq", "[0-9]+")
		}
		if (what >= 200 && (asked == "INVITE" || word["for"] == "INVITE"))
			invite_got = what
	} else {
		open = "<recv request=\"" what "\"" attributes ">"
		answering = what
		seen[what]++
		if (first == "")
			first = what
		outside[what seen[what]] = !inside
		capture("via_" what seen[what], "Via", "SIP/.*")
		capture("branch_" what seen[what], "Via", "branch=[^;]*")
		capture("cseq_" what seen[what], "CSeq", "[0-9].*")
		capture("from_" what seen[what], "From", "[^ ].*")
		capture("to_" what seen[what], "To", "[^ ].*")
		if (role == "called" && (seen[what] == 1 && what == first)) {
			capture("peer", "From", "&lt;.*")
			capture("target", "Contact", "sip:[^&gt;]*")
		}
	}
	part = "recv"
}
function end_recv() {
	print open
	if (role == "called" && first != "" && !counted && open ~ /request=/) {
		actions = actions "<add assign_to=\"turns\" value=\"1\"/>\n"
		counted = 1
	}
	print "<action>\n" actions "</action>"
	print "</recv>"
}
function add_check(line,   inverse, name, n) {
	inverse = sub(/^!/, "", line)
	n = index(line, ": ")
	if (!n)
		die("not Name: regexp")
	name = substr(line, 1, n - 1)
	actions = actions "<ereg regexp=\"" escaped(substr(line, n + 2)) "\" " \
		(name == "body" ? "search_in=\"body\"" : "search_in=\"hdr\" header=\"" name ":\"") \
		" check_it" (inverse ? "_inverse" : "") "=\"true\" assign_to=\"" uses("checked") "\"/>\n"
}

# ---- what goes

function sdp(direction) {
	version++
	return "v=0\no=sipp 1 " version " IN IP[local_ip_type] [media_ip]\ns=-\nc=IN IP[media_ip_type] [media_ip]\nt=0 0\n" \
		"m=audio 40000 RTP/AVP 0\na=rtpmap:0 PCMU/8000\n" (direction == "yes" ? "" : "a=" direction "\n")
}
function begin_send(what) {
	words(3)
	if (role == "")
		role = "calls"
	part = "send"
	extra = ""
	text = ""
	has_body = 0
	if ("sdp" in word) {
		type = "application/sdp"
		text = sdp(word["sdp"])
		has_body = 1
	} else if ("body" in word) {
		type = word["body"]
		has_body = 1
	}
	tag = "tag" in word ? word["tag"] : "sipp"
	contact = "contact" in word ? word["contact"] : "sip:sipp@[local_ip]:[local_port];transport=[transport]"
	head = what ~ /^[0-9]/ ? response_head(what) : request_head(what)
}
function response_head(what,   m, n, tagged, h) {
	m = "for" in word ? word["for"] : answering
	n = m
	if (!sub(/[0-9]+$/, "", m))
		n = m seen[m]
	tagged = what != 100 && (m == "CANCEL" || (m == first && outside[n]))
	# the dialog is there once the first request has its 2xx
	if (what >= 200 && what < 300 && m == first)
		becomes_inside = 1
	if ("for" in word) {
		h = (word["via"] == "none" ? "" : "Via: [$via_" n "]\n") "From: [$from_" n "]\nTo: [$to_" n "]" (tagged ? ";tag=" tag : "") "\nCall-ID: [call_id]\n" \
			(word["cseq"] == "none" ? "" : "CSeq: [$cseq_" n "]\n")
	} else {
		h = "[last_Via:]\n[last_From:]\n[last_To:]" (tagged ? ";tag=" tag : "") "\n[last_Call-ID:]\n[last_CSeq:]\n"
	}
	return "SIP/2.0 " what " " reason "\n" h
}
function request_head(what,   uri, to, h, n) {
	if (what == "ACK" || what == "CANCEL")
		n = "cseq" in word ? word["cseq"] : invite_cseq
	else if ("again" in word)
		n = cseq
	else
		n = "cseq" in word ? word["cseq"] + 0 : ++cseq
	if (what != "ACK" && what != "CANCEL" && n > cseq)
		cseq = n
	if ("branch" in word)
		branch = word["branch"]
	else if (what == "CANCEL" || (what == "ACK" && invite_got >= 300))
		branch = invite_branch
	else if (!("again" in word))
		branch = "z9hG4bK-[pid]-[call_number]-" NR
	uri = role == "called" || (inside && what != "CANCEL") || what == "PRACK" ? "[$target]" : "sip:rte@[remote_ip]:[remote_port]"
	if (what == "ACK" && invite_got >= 300 && !inside)
		uri = "sip:rte@[remote_ip]:[remote_port]"
	if ("uri" in word)
		uri = word["uri"]
	if (role == "called" || inside || what == "PRACK" || (what == "UPDATE" || what == "BYE") || (what == "ACK" && invite_got >= 300))
		to = "[$peer]"
	else
		to = "<sip:rte@[remote_ip]:[remote_port]>"
	if (what == "ACK" && invite_got >= 300 && !inside)
		h = "[last_To:]\n"
	else
		h = "To: " ("to" in word ? word["to"] : to) "\n"
	if (what != "ACK" && what != "CANCEL")
		asked = what
	if (what == "INVITE") {
		invite_cseq = n
		invite_branch = branch
		invite_got = 0
	}
	if (first == "")
		first = what
	return what " " uri " SIP/2.0\n" (word["via"] == "none" ? "" : "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=" branch "\n") \
		"Max-Forwards: 70\nFrom: <sip:sipp@[local_ip]>;tag=" tag "\n" h "Call-ID: " ("call" in word ? word["call"] : "[call_id]") "\nCSeq: " n " " what "\n"
}
function end_send() {
	print "<send><![CDATA["
	print head (contact == "" ? "" : "Contact: <" contact ">\n") extra (has_body ? "Content-Type: " type "\n" : "") "Content-Length: [len]\n"
	print text "]]></send>"
	if (becomes_inside)
		inside = 1
	becomes_inside = 0
}
function end_part() {
	if (part == "recv")
		end_recv()
	else if (part == "send")
		end_send()
	# whoever calls is inside with the 2xx that he got
	if (part == "recv" && role == "calls" && first == "INVITE" && invite_got >= 200 && invite_got < 300)
		inside = 1
	part = ""
}

BEGIN {
	print "<?xml version=\"1.0\" encoding=\"us-ascii\"?>\n<scenario name=\"ladder\">\n<Global variables=\"turns\"/>"
	uses("turns")
}
/^[[:space:]]*(#.*)?$/ { next }
{ sub(/^[[:space:]]+/, "") }
sub(/^\+ /, "") {
	if (part == "recv")
		add_check($0)
	else if (part == "send")
		extra = extra $0 "\n"
	else
		die("belongs to nothing")
	next
}
part == "send" && sub(/^\|/, "") {
	text = text $0 "\n"
	next
}
{
	end_part()
	labelled = 0
}
$1 == "<" { begin_recv($2); next }
$1 == ">" { begin_send($2); next }
$1 == "pause" { print "<pause milliseconds=\"" $2 "\"/>"; next }
$1 == "silence" {
	silences++
	print "<recv request=\"NOTHING\" timeout=\"" $2 "\" ontimeout=\"9" silences "\"/>\n<label id=\"9" silences "\"/>"
	labelled = 1
	next
}
$1 == "label" {
	print "<label id=\"" $2 "\"/>"
	labelled = 1
	next
}
$1 == "turn" {
	print "<nop next=\"" $3 "\" test=\"" uses("turn" $2) "\"><action><test assign_to=\"turn" $2 "\" variable=\"turns\" compare=\"equal\" value=\"" $2 "\"/></action></nop>"
	next
}
$1 == "goto" { print "<nop next=\"" $2 "\"/>"; next }
{ die("what is this") }
END {
	if (failed)
		exit 1
	end_part()
	if (labelled) # to jump behind the end is a failed call
		print "<nop/>"
	if (names != "")
		print "<Reference variables=\"" names "\"/>"
	print "</scenario>"
}
