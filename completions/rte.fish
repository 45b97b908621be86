# fish completion of rte; made by rte --dump-completion=fish

function __rte_profiles
	set -l base $XDG_CONFIG_HOME
	test -n "$base"; or set base ~/.config
	sed -n 's/^[[:space:]]*\[[[:space:]]*profile[[:space:]]\{1,\}\([^]]*\)\].*/\1/p' \
		$base/rte/config 2>/dev/null
end

set -g __rte_takes_value \
	--output -o \
	--write-out -w \
	--trace \
	--pcap \
	--tap \
	--junit \
	--color \
	--aor -a \
	--server \
	--proxy \
	--listen \
	--epid \
	--dialect \
	--on-drop \
	--idle-timeout \
	--linger \
	--pool-size \
	--first-message-timeout \
	--max-outstanding \
	--allow \
	--require-eku \
	--register-expires \
	--from \
	--display-name \
	--contact \
	--user-agent \
	--user -u \
	--password \
	--credentials \
	--realm \
	--auth \
	--digest \
	--transport -t \
	--connect \
	--resolve \
	--dns \
	--local \
	--interface \
	--advertise \
	--route \
	--follow \
	--cacert \
	--capath \
	--cert \
	--key \
	--key-password \
	--pinnedpubkey \
	--tls-name \
	--tls-min \
	--tls-ciphers \
	--keylog \
	--connect-timeout \
	--timeout \
	--max-time -m \
	--t1 \
	--t2 \
	--retry \
	--retry-delay \
	--retry-max-time \
	--header -H \
	--add-header \
	--data -d \
	--type \
	--max-forwards \
	--require \
	--supported \
	--max-message \
	--expect \
	--expect-header \
	--expect-body \
	--stop-after \
	--drop-after \
	--profile -P \
	--config

# Is the command word one of these? "-": there is none yet.
function __rte_command_is
	set -l words (commandline -opc)
	set -l skip
	set -e words[1]
	for word in $words
		if test -n "$skip"
			set skip
			continue
		end
		if string match -q -- '-*' $word
			contains -- $word $__rte_takes_value; and set skip 1
			continue
		end
		contains -- $word $argv
		return
	end
	contains -- - $argv
end

complete -c rte -f
complete -c rte -n '__rte_command_is - help' -a 'register' -d 'Add, refresh, query and remove bindings.'
complete -c rte -n '__rte_command_is - help' -a 'invite' -d 'Place a call.'
complete -c rte -n '__rte_command_is - help' -a 'refer' -d 'REFER outside a call, and its outcome.'
complete -c rte -n '__rte_command_is - help' -a 'listen' -d 'Wait for requests and calls; answer, refuse, redirect.'
complete -c rte -n '__rte_command_is - help' -a 'message' -d 'A MESSAGE of text or any type, to one or many.'
complete -c rte -n '__rte_command_is - help' -a 'subscribe' -d 'Watch the state of others: presence, dialogs, mail.'
complete -c rte -n '__rte_command_is - help' -a 'publish' -d 'Publish state of our own, such as presence.'
complete -c rte -n '__rte_command_is - help' -a 'options ping' -d 'OPTIONS once or repeatedly, with statistics.'
complete -c rte -n '__rte_command_is - help' -a 'request' -d 'Any request: any header, template or bytes.'
complete -c rte -n '__rte_command_is - help' -a 'parse' -d 'Check message files: what is in them, what is wrong.'
complete -c rte -n '__rte_command_is - help' -a 'config' -d 'What configuration and environment say, and where.'
complete -c rte -n '__rte_command_is - help' -a 'credentials' -d 'The credentials file: list, add, remove, check.'
complete -c rte -n '__rte_command_is - help' -a 'resolve' -d 'Server location (RFC 3263), step by step.'
complete -c rte -n '__rte_command_is - help' -a 'run' -d 'Several endpoints and their steps, from a file.'
complete -c rte -n '__rte_command_is - help' -a 'serve' -d 'A registrar, proxy and event agent for tests.'
complete -c rte -n '__rte_command_is - help' -a 'help' -d 'The manual page of a command, or its help.'
complete -c rte -n '__rte_command_is - help' -a 'version' -d 'Version, features, libraries, RFCs.'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l verbose -s v -d 'notes and start lines; -vv whole messages; -vvv timers'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l quiet -s q -d 'only errors'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve version' -l json -s j -d 'NDJSON events on stdout'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l output -s o -r -F -d 'result into FILE'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l write-out -s w -x -d 'print FMT at the end'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l trace -r -F -d 'all messages into FILE (- stdout, % stderr)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l pcap -r -F -d 'all messages into a capture FILE for Wireshark (- stdout)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l pcap-secrets -d 'do not mask secrets there'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l tap -r -F -d 'a TAP report into FILE (- stdout, % stderr)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l junit -r -F -d 'a JUnit report into FILE (- stdout, % stderr)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l ladder -d 'at the end, who sent what to whom, as a ladder'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l color -x -a 'auto always never' -d 'colours (default auto)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l timestamps -d 'the time before each line of text'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l dry-run -s n -d 'print what would be sent, exit 0'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l aor -s a -x -d 'who we are'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l server -x -d 'home server; makes the endpoint server based'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l proxy -x -d 'outbound proxy of a peer-to-peer endpoint'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l p2p -d 'force a peer-to-peer endpoint'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run serve' -l listen -x -d 'listen at udp:ADDR:PORT, tcp:... or tls:...'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l epid -x -d 'endpoint id in From; auto keeps one for each AOR'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run serve' -l dialect -x -a 'standard ocs' -d 'forms of messages (default standard)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l on-drop -x -a 'refresh unregister' -d 'a lost flow of a registered endpoint (default refresh)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l idle-timeout -x -d 'close a flow without traffic (default 15m, 0 never)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l linger -x -d 'close a pooled flow this long after its last use (60s)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l pool-size -x -d 'flows to one destination (default 5)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l first-message-timeout -x -d 'close an incoming flow without a valid message (60s)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l max-outstanding -x -d 'requests without a final answer on the flow to the home server'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l mutual-tls -d 'ask TLS peers for a certificate'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l allow -x -d 'admit peers of this name, .SUFFIX, or any'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l require-eku -x -d 'usage that a peer\'s certificate must have'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l any-to -d 'take every request, whatever its To'
complete -c rte -n '__rte_command_is - invite refer listen message subscribe publish options ping request' -l register -d 'register first, stay registered, remove it at the end'
complete -c rte -n '__rte_command_is - invite refer listen message subscribe publish options ping request' -l register-expires -x -d 'its lifetime (default 1h)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l from -x -d 'From where it differs from the AOR'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l display-name -x -d 'display name in From'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l contact -x -d 'Contact, or parameters of ours'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l user-agent -x -d 'appended to our User-Agent'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request credentials run' -l user -s u -x -d 'user name (default: the AOR\'s)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request credentials run' -l password -x -a 'env: file: fd: stdin cmd: prompt' -d 'env:NAME file:PATH fd:N stdin cmd:COMMAND prompt pass:TEXT (sensitive)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request credentials run' -l credentials -r -F -d 'credentials file'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request credentials run serve' -l realm -x -d 'answer challenges of this realm only'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run serve' -l auth -x -a '(__fish_append , digest none)' -d 'schemes in order of preference: digest ntlm kerberos none ntlmv1'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run serve' -l digest -x -a '(__fish_append , sha-512-256 sha-256 md5)' -d 'algorithms: sha-512-256 sha-256 md5 (default all)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l preauth -d 'use the last challenge again, unasked'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l accept-unsigned -d 'after NTLM or Kerberos take unsigned messages, too'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request resolve run' -l transport -s t -x -a 'udp tcp tls' -d 'transport where the target leaves it open'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l connect -x -d 'skip RFC 3263'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request resolve run' -l resolve -x -d 'addresses of a host'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request resolve run' -l dns -x -d 'DNS server'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request resolve run' -l ipv4 -s 4 -d 'IPv4 only'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request resolve run' -l ipv6 -s 6 -d 'IPv6 only'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l local -x -d 'send from this address'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l interface -x -d 'send through this interface'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l advertise -x -d 'our address in Via and Contact'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run serve' -l route -x -d 'preloaded Route'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l follow -x -d 'redirects to follow (default 0, REGISTER 3)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l cacert -r -F -d 'trusted CA certificates'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l capath -x -a '(__fish_complete_directories)' -d 'folder of trusted CA certificates'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run serve' -l cert -r -F -d 'own certificate'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run serve' -l key -r -F -d 'its private key'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l key-password -x -a 'env: file: fd: stdin cmd: prompt' -d 'password of the key (sensitive)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l insecure -s k -d 'do not verify the peer'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l pinnedpubkey -x -d 'sha256//BASE64 of the peer\'s key, also with -k'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l tls-name -x -d 'name to verify in place of the host'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l tls-min -x -a '1.2 1.3' -d 'lowest version (default 1.2)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l tls-ciphers -x -d 'cipher suites, OpenSSL names'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l keylog -r -F -d 'TLS secrets into FILE (or SSLKEYLOGFILE)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l connect-timeout -x -d 'connect and TLS handshake (--timeout, at most 32s)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l timeout -x -d 'one transaction (default 64*T1, options 5s)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request resolve run' -l max-time -s m -x -d 'the whole command, DNS included'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l t1 -x -d 'round-trip estimate (default 500ms)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l t2 -x -d 'longest retransmission interval (default 4s)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l no-retransmit -d 'send each request once'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l retry -x -d 'repeat after 408, 480, 500, 503, 504 and time-outs'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l retry-delay -x -d 'wait before the first repetition (default 1s)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l retry-max-time -x -d 'all repetitions together'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l retry-connrefused -d 'repeat when refused, too'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l no-retry-after -d 'fail at once in spite of Retry-After'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l header -s H -x -d 'replace or set; \'N:\' removes; @FILE many'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l add-header -x -d 'a second one'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l data -s d -x -d 'body'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l type -x -d 'its Content-Type'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l max-forwards -x -d 'default 70'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l require -x -d 'option tag in Require'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l supported -x -d 'option tag in Supported'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l compact -d 'compact header names'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request run' -l max-message -x -d 'largest message in bytes (default 65536)'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request' -l expect -x -d 'final statuses that are a success: 200,4xx'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request' -l expect-header -x -d 'a field of the final response'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request' -l expect-body -x -d 'its body, line by line'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request' -l stop-after -x -d 'end in order: resolve connect tls send 1xx early answer ack established'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request' -l drop-after -x -d 'the same without a word'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l profile -s P -x -a '(__rte_profiles)' -d 'part of the configuration'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l config -r -F -d 'configuration file'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve' -l no-config -d 'no configuration and no credentials file'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve help version' -l help -s h -d 'this text'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve help version' -l help-all -d 'the common options, too'
complete -c rte -n '__rte_command_is - register invite refer listen message subscribe publish options ping request parse config credentials resolve run serve help version' -l usage -d 'one paragraph'
complete -c rte -n '__rte_command_is -' -l version -s V -d 'version, features, libraries'
complete -c rte -n '__rte_command_is register subscribe publish' -l expires -s x -x -d 'lifetime (default 1h)'
complete -c rte -n '__rte_command_is register' -l q -x -d 'preference, 0.0 to 1.0'
complete -c rte -n '__rte_command_is register publish' -l keep -d 'stay, refresh, remove it at the end'
complete -c rte -n '__rte_command_is register publish' -l leave -d 'with --keep: do not remove it'
complete -c rte -n '__rte_command_is register' -l query -d 'which bindings are there?'
complete -c rte -n '__rte_command_is register publish credentials' -l remove -d 'remove ours, or those of --contact'
complete -c rte -n '__rte_command_is register' -l remove-all -d 'remove all of the AOR'
complete -c rte -n '__rte_command_is register' -l outbound -d 'RFC 5626: the server uses our flow'
complete -c rte -n '__rte_command_is register' -l reg-id -x -d 'with --outbound: one flow each (1)'
complete -c rte -n '__rte_command_is register' -l instance -x -d '+sip.instance; auto keeps one'
complete -c rte -n '__rte_command_is register' -l gruu -d 'ask for a GRUU (RFC 5627)'
complete -c rte -n '__rte_command_is register' -l methods -x -d 'methods parameter of Contact'
complete -c rte -n '__rte_command_is register' -l path -x -d 'Path (RFC 3327)'
complete -c rte -n '__rte_command_is register' -l keepalive -x -d 'how --keep keeps the flow alive'
complete -c rte -n '__rte_command_is register' -l push -x -d 'push notification, RFC 8599 (sensitive)'
complete -c rte -n '__rte_command_is register' -l third-party -x -d 'who registers for the AOR'
complete -c rte -n '__rte_command_is invite listen' -l sdp -x -d 'description in place of the built-in one'
complete -c rte -n '__rte_command_is invite' -l ring-timeout -x -d 'CANCEL when nobody answers for so long (60s)'
complete -c rte -n '__rte_command_is invite' -l duration -x -d 'hang up so long after the answer (0)'
complete -c rte -n '__rte_command_is invite' -l cancel-after -x -d 'CANCEL after a time, or when it rings'
complete -c rte -n '__rte_command_is invite listen' -l session-expires -x -d 'session timer (RFC 4028)'
complete -c rte -n '__rte_command_is invite refer' -l replaces -x -d 'take the place of this dialog (RFC 3891)'
complete -c rte -n '__rte_command_is invite' -l privacy -x -d 'Privacy: id user header session history critical none'
complete -c rte -n '__rte_command_is invite listen' -l codec -x -d 'codecs of the built-in description'
complete -c rte -n '__rte_command_is invite listen' -l 100rel -x -a 'no offer require' -d 'reliable provisional responses (default offer)'
complete -c rte -n '__rte_command_is invite listen' -l min-se -x -d 'shortest session interval to accept (90s)'
complete -c rte -n '__rte_command_is invite listen' -l on-reinvite -x -d 'answer to re-INVITE and UPDATE (default accept)'
complete -c rte -n '__rte_command_is invite listen' -l on-refer -x -a 'decline accept follow' -d 'answer to REFER (default decline)'
complete -c rte -n '__rte_command_is invite listen' -l do -x -d 'a step of the call: see the manual'
complete -c rte -n '__rte_command_is refer' -l to -x -d 'whom the peer is to call'
complete -c rte -n '__rte_command_is refer' -l method -x -d 'what it is to send there (INVITE)'
complete -c rte -n '__rte_command_is refer' -l no-subscription -d 'do not ask for the result (RFC 4488)'
complete -c rte -n '__rte_command_is listen subscribe options ping' -l count -s c -x -d 'end after so many requests'
complete -c rte -n '__rte_command_is listen subscribe' -l once -d 'the same as --count=1'
complete -c rte -n '__rte_command_is listen subscribe serve' -l for -x -d 'end after this time'
complete -c rte -n '__rte_command_is listen' -l answer -x -d 'to every request (default 200)'
complete -c rte -n '__rte_command_is listen' -l ring -x -d 'INVITE: 180 first, the answer after this time'
complete -c rte -n '__rte_command_is listen' -l redirect -x -d '302 with this Contact'
complete -c rte -n '__rte_command_is listen serve' -l reply -x -d '\'METHOD[ USER]=STATUS[ REASON][;after=T][;retry-after=T]\''
complete -c rte -n '__rte_command_is listen' -l challenge -x -d 'ask once for digest, take any answer'
complete -c rte -n '__rte_command_is listen' -l unsolicited -d 'take NOTIFY outside of subscriptions'
complete -c rte -n '__rte_command_is listen' -l exec -x -d 'ask it what to answer: see the manual'
complete -c rte -n '__rte_command_is listen serve' -l ready-file -r -F -d 'its addresses, when it is ready'
complete -c rte -n '__rte_command_is listen serve' -l ready-fd -x -d 'the same on one line to a descriptor'
complete -c rte -n '__rte_command_is message' -l cpim -d 'wrap the body as message/cpim (RFC 3862)'
complete -c rte -n '__rte_command_is message' -l imdn -x -d 'ask to be told of positive-delivery, negative-delivery, display; implies --cpim'
complete -c rte -n '__rte_command_is message subscribe' -l each -r -F -d 'one to each target, a line each'
complete -c rte -n '__rte_command_is message' -l rate -x -d 'so many a second (as fast as answers come)'
complete -c rte -n '__rte_command_is subscribe publish' -l event -s e -x -d 'what of it: presence, dialog, reg ...'
complete -c rte -n '__rte_command_is subscribe' -l fetch -d 'ask once'
complete -c rte -n '__rte_command_is subscribe' -l until -x -a 'pending active terminated' -d 'end when the subscription is so'
complete -c rte -n '__rte_command_is subscribe' -l accept -x -d 'media type (those of the package)'
complete -c rte -n '__rte_command_is subscribe serve' -l list -d 'one subscription to a list of all URIs (RFC 5367)'
complete -c rte -n '__rte_command_is subscribe' -l list-uri -x -d 'with --list: whom to ask (the home domain)'
complete -c rte -n '__rte_command_is subscribe' -l suppress -x -d 'no state that has this tag (RFC 5839)'
complete -c rte -n '__rte_command_is subscribe' -l no-resubscribe -d 'end when it ends or fails, whatever the reason'
complete -c rte -n '__rte_command_is subscribe request' -l raw -d 'bodies as they are, not decoded'
complete -c rte -n '__rte_command_is publish' -l status -x -a 'open closed' -d 'presence: can be reached or not'
complete -c rte -n '__rte_command_is publish' -l note -x -d 'presence: a note for people'
complete -c rte -n '__rte_command_is publish' -l activity -x -d 'presence: busy, meeting, on-the-phone ...'
complete -c rte -n '__rte_command_is publish' -l if-match -x -d 'change or refresh what has this tag'
complete -c rte -n '__rte_command_is options ping' -l interval -s i -x -d 'between them (1s; 0: one after another)'
complete -c rte -n '__rte_command_is options ping' -l min-ok -x -d 'so many 2xx are a success (all)'
complete -c rte -n '__rte_command_is options ping' -l trace-route -d 'Max-Forwards 0, 1, 2 ... : who is on the way'
complete -c rte -n '__rte_command_is options ping' -l nagios -d 'one line and an exit code of 0 to 3 for monitoring'
complete -c rte -n '__rte_command_is options ping' -l nagios-limits -x -d 'WARNING and CRITICAL above these times'
complete -c rte -n '__rte_command_is options ping' -l max-hops -x -d 'of --trace-route (30)'
complete -c rte -n '__rte_command_is request' -l template -r -F -d 'the message, with {{fields}} to fill in'
complete -c rte -n '__rte_command_is request run' -l set -x -d 'a field of the template'
complete -c rte -n '__rte_command_is request' -l no-fix -d 'leave wrong and missing header fields as they are'
complete -c rte -n '__rte_command_is config' -l origin -d 'where each value comes from'
complete -c rte -n '__rte_command_is credentials' -l add -d 'add an entry, or change it'
complete -c rte -n '__rte_command_is credentials' -l check -d 'can each secret be had? runs each password-cmd'
complete -c rte -n '__rte_command_is credentials' -l ha1 -x -a 'md5 sha-256 sha-512-256' -d 'keep a hash in place of the password'
complete -c rte -n '__rte_command_is resolve' -l all -d 'every NAPTR service, not only the best'
complete -c rte -n '__rte_command_is resolve' -l from-naptr -d 'begin with NAPTR, whatever port is given'
complete -c rte -n '__rte_command_is resolve' -l from-srv -d 'begin with SRV, whatever port is given'
complete -c rte -n '__rte_command_is serve' -l domain -x -d 'whom it serves (test.invalid)'
complete -c rte -n '__rte_command_is serve' -l add-user -x -d 'a user and the password (sensitive)'
complete -c rte -n '__rte_command_is serve' -l users -r -F -d 'users, as in rte-credentials(5)'
complete -c rte -n '__rte_command_is serve' -l ntlm-domain -x -d 'of its users (first label of the domain)'
complete -c rte -n '__rte_command_is serve' -l keytab -r -F -d 'keys for kerberos'
complete -c rte -n '__rte_command_is serve' -l targetname -x -d 'its name for ntlm and kerberos (the domain)'
complete -c rte -n '__rte_command_is serve' -l ms-version -x -a '2 3 4' -d 'version of security associations (4)'
complete -c rte -n '__rte_command_is serve' -l association-life -x -d 'then they are forgotten (8h)'
complete -c rte -n '__rte_command_is serve' -l home -x -d 'another server of a user: 301 to REGISTER'
complete -c rte -n '__rte_command_is serve' -l trust -x -d 'no challenge for who comes from there'
complete -c rte -n '__rte_command_is serve' -l tls-auto -d 'TLS with a throw-away CA'
complete -c rte -n '__rte_command_is serve' -l min-expires -x -d 'less is refused with 423 (60s)'
complete -c rte -n '__rte_command_is serve' -l max-expires -x -d 'more is shortened (1h)'
complete -c rte -n '__rte_command_is serve' -l nonce-expires -x -d 'then it is stale (5m)'
complete -c rte -n '__rte_command_is serve' -l service-route -x -d 'Service-Route of every 200'
complete -c rte -n '__rte_command_is serve' -l fault -x -d 'what it sends suffers: drop:P delay:T dup:P reorder:P truncate badsdp unsigned badsign endless weak'
complete -c rte -n '__rte_command_is serve' -l events -x -d 'packages: presence dialog reg message-summary conference presence.winfo, or none (all)'
complete -c rte -n '__rte_command_is serve' -l mwi -x -d 'messages that wait for a user'
complete -c rte -n '__rte_command_is serve' -l conference -x -d 'a conference and its document'
complete -c rte -n '__rte_command_is serve' -l seed -x -d 'of --fault (random)'
complete -c rte -n '__rte_command_is serve' -l control -x -d 'take orders here, one a line'
complete -c rte -n '__rte_command_is help' -l schema -d 'the JSON Schema of --json'
