# SPDX-License-Identifier: Apache-2.0
#
# awk -v model=payment|load -f trace.awk TRACE >replay.h
#
# A trace (docs/model.md) as the data that payment.pml or load.pml replays.  Of
# each it takes the steps that are its own, and those of the other that move a
# card's balance.  A line that is neither is an error: exit 2.

function fail(why)
{
	print FILENAME ":" FNR ": " why ": " $0 >"/dev/stderr"
	failed = 1
	exit 2
}

function numeric(word)
{
	if (word !~ /^[0-9]+$/)
		fail("no number \"" word "\"")
	return word + 0
}

function card(name)
{
	if (!(name in card_of))
		fail("no card " name)
	return card_of[name]
}

# A counter of a card; the largest one gives the arrays their size.
function counter(word)
{
	word = numeric(word)
	if (word < 1)
		fail("counters begin with 1")
	if (word > most)
		most = word
	return word
}

# The number of a payment or load, by its name.
function known(name, value)
{
	if (!(name in k_of)) {
		k_of[name] = names
		values[names++] = value
	}
	return k_of[name]
}

function step(verb, k, c, m, p, n)
{
	verbs = verbs sep code[verb]
	ks = ks sep k
	cs = cs sep c
	ms = ms sep m
	ps = ps sep p
	ns = ns sep n
	lines = lines sep FNR
	sep = ", "
	steps++
}

function payment(verb)
{
	if (NF != 5)
		fail("not VERB PAYER COUNTER PAYEE COUNTER")
	c = card($2)
	m = counter($3)
	p = card($4)
	n = counter($5)
	value = (p, n) in asked ? asked[p, n] : 1
	if (model == "payment")
		step(verb, known(c " " m " " p " " n, value), c, m, p, n)
	else if (verb == "complete")
		step(verb, value, c, 0, 0, 0)
	else if (verb == "credit")
		step(verb, value, p, 0, 0, 0)
}

function load(verb)
{
	if (NF != 3 && NF != 4)
		fail("not VERB CARD COUNTER [AMOUNT]")
	c = card($2)
	n = counter($3)
	if (verb == "open_load" || verb == "unload")
		loads[c, n] = NF == 4 ? numeric($4) : 1
	value = (c, n) in loads ? loads[c, n] : 1
	if (model == "load")
		step(verb, known(c " " n, value), c, 0, 0, n)
	else if (verb == "credit_load" || verb == "unload")
		step(verb, value, c, 0, 0, 0)
}

BEGIN {
	if (model != "payment" && model != "load") {
		print "model is payment or load" >"/dev/stderr"
		failed = 1
		exit 2
	}
	own["payment"] = "agree confirm complete credit prove drop claim " \
	    "release book_paid book_received book_claim book_release " \
	    "clear_paid clear_received clear_claim clear_release pay refund " \
	    "confirm_again credit_again fetch_confirmation " \
	    "fetch_completion acknowledge relay"
	own["load"] = "open_load permit credit_load book_load cancel_load " \
	    "refund_load unload credit_account clear_load clear_unload " \
	    "open_again permit_again credit_load_again cancel_again " \
	    "book_load_again refund_again credit_account_again"
	for (kind in own) {
		count = split(own[kind], word, " ")
		for (i = 1; i <= count; i++)
			kind_of[word[i]] = kind
	}
	for (verb in kind_of)
		code[verb] = ++codes
	code["request"] = ++codes
	code["receive"] = ++codes
	code["spend"] = ++codes
	slots = 4
	log_size = 32
	area = 16
	most = 1
	names = steps = cards = total = 0
}

/^#/ || NF == 0 {
	next
}

# The slots for pending payments, records, exceptions of every card.
$1 == "limits" {
	slots = numeric($2)
	log_size = numeric($3)
	area = numeric($4)
	next
}

$1 == "account" {
	account = numeric($2)
	next
}

# card NAME BALANCE HIGHEST [COUNTER [ONLINE]]
$1 == "card" {
	if (steps)
		fail("a card after the first step")
	if ($2 in card_of)
		fail("again")
	card_of[$2] = cards + 0
	comma = cards++ ? ", " : ""
	balances = balances comma numeric($3)
	highest = highest comma numeric($4)
	first = model == "load" ? $6 : $5
	counters = counters comma counter_start(first)
	total += $3
	next
}

function counter_start(word)
{
	return word == "" ? 0 : numeric(word)
}

# request PAYEE COUNTER [AMOUNT]
$1 == "request" {
	c = card($2)
	n = counter($3)
	asked[c, n] = NF == 4 ? numeric($4) : 1
	if (model == "payment")
		step("request", 0, 0, 0, c, n)
	next
}

# Payments of which a trace of load.pml says no more: CARD AMOUNT
$1 == "receive" || $1 == "spend" {
	step($1, numeric($3), card($2), 0, 0, 0)
	next
}

# A reset loses what is volatile, and the models have nothing of it.
$1 == "reset" {
	card($2)
	next
}

kind_of[$1] == "payment" {
	payment($1)
	next
}

kind_of[$1] == "load" {
	load($1)
	next
}

{
	fail("no step of the model")
}

END {
	if (failed)
		exit 2
	if (!cards) {
		print FILENAME ": no card" >"/dev/stderr"
		exit 2
	}
	# An array has an element at least.
	if (!steps) {
		verbs = ks = cs = ms = ps = ns = lines = "0"
	}
	if (!names)
		values[names++] = 0
	for (i = 0; i < names; i++)
		list = list (i ? ", " : "") values[i]
	print "#define CARDS " cards
	print "#define COUNTERS " most
	print "#define PAYMENTS " names
	print "#define LOADS " names
	print "#define USES " cards * most
	print "#define PAIRS " cards * cards
	print "#define SLOTS " slots
	print "#define LOG " log_size
	print "#define AREA " area
	print "#define ACCOUNT " account + 0
	print "#define OUTSIDE 0"
	print "#define BALANCES { " balances " }"
	print "#define STARTS { " counters " }"
	print "#define VALUE(k) values[k]"
	print "#define HIGHEST_OF(x) highest[x]"
	print "#define EVENTS " steps + 0
	print "int total = " total + (model == "load" ? account : 0) ";"
	print "int values[" names "] = { " list " };"
	print "int highest[" cards "] = { " highest " };"
	size = steps ? steps : 1
	for (verb in code)
		print "#define V_" verb " " code[verb]
	print "byte verbs[" size "] = { " verbs " };"
	print "int ks[" size "] = { " ks " };"
	print "int cs[" size "] = { " cs " };"
	print "int ms[" size "] = { " ms " };"
	print "int ps[" size "] = { " ps " };"
	print "int ns[" size "] = { " ns " };"
	print "int line[" size "] = { " lines " };"
	print "int at;"
	print "byte event;"
}
