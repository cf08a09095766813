"""Templates that show sprig's functions."""

FUNCTION_TEMPLATES = (
    "{{ .s | upper }}|{{ .s | lower | title }}|{{ .s|snakecase }}|{{.s|kebabcase}}|"
    "{{.s|camelcase}}|{{.s|swapcase}}|{{.s|untitle}}|{{.s|initials}}|{{.s|nospace}}",
    '{{ printf "%v %s" nil nil }} {{ printf "%T %T %T" nil .l (list "a") }}',
    '{{- /* comment */ -}}  trimmed   {{- " x " -}}   end',
    '{{ (index .l 3).k }} {{ (dict "a" (dict "b" 2)).a.b }}',
    '{{ list 1 2 3 | join "-" }} {{ join "," .l }} {{ .lst | sortAlpha | join " " }} '
    '{{ uniq .lst }} {{ has "a" .lst }} {{ without .lst "a" }} {{ first .lst }} '
    "{{ last .lst }} {{ rest .lst }} {{ initial .lst }} {{ reverse .lst }} "
    '{{ compact .l }} {{ append .lst "z" }} {{ prepend .lst "y" }} '
    "{{ concat .lst (list 1) }} {{ chunk 2 .lst }} {{ chunk 3 .lst | toJson }}",
    '{{ default "d" .e }} {{ default "d" .s }} {{ .e | default 5 }} {{ empty .z }} '
    '{{ coalesce 0 "" .z "x" }} {{ ternary "a" "b" true }} {{ true | ternary 1 2 }} '
    '{{ all 1 "a" }} {{ any 0 "" }}',
    "{{ add 1 2 3 }} {{ sub 5 2 }} {{ mul 2 3 4 }} {{ div 7 2 }} {{ mod 7 3 }} "
    "{{ div -7 2 }} {{ mod -7 3 }} {{ max 1 5 3 }} {{ min 4 2 }} {{ floor 3.7 }} "
    '{{ ceil 3.2 }} {{ round 3.14159 2 }} {{ round -2.5 0 }} {{ add1 "5" }} '
    '{{ int "0x1f" }} {{ int64 3.9 }} {{ float64 "2.5" }} {{ atoi "12x" }} '
    "{{ addf 0.1 0.2 }} {{ divf 10 3 }} {{ mulf 1.1 1.1 }} {{ subf 1 0.9 }} "
    "{{ maxf 1 2.5 }} {{ minf 3 1.5 }} {{ until 5 }} {{ untilStep 10 0 -3 }} {{ seq 5 }} "
    '{{ seq 2 2 10 }} {{ seq 5 1 }} {{ toDecimal "777" }}',
    '{{ "YWJj" | b64dec }} {{ "abc" | b64enc }} {{ "abc" | b32enc }} '
    '{{ "MFRGG===" | b32dec }} {{ "a$b" | b64dec }} {{ "abc" | sha1sum }} '
    '{{ "abc" | sha256sum }} {{ "abc" | adler32sum }}',
    '{{ trim "  a " }}|{{ trimAll "$" "$5$" }}|{{ trimSuffix "x" "ax" }}|'
    '{{ trimPrefix "a" "ax" }}|{{ repeat 3 "ab" }}|{{ substr 1 3 "hello" }}|'
    '{{ trunc 3 "hello" }}|{{ trunc -3 "hello" }}|{{ contains "ell" "hello" }}|'
    '{{ hasPrefix "he" "hello" }}|{{ quote "a" 1 nil .l }}|{{ squote "a" 1 }}|'
    r"""{{ cat "a" 1 nil "b" }}|{{ indent 2 "a\nb" }}|{{ nindent 2 "a\nb" }}|"""
    '{{ replace "l" "L" "hello" }}|{{ plural "one" "many" 1 }}|'
    '{{ plural "one" "many" 2 }}|{{ wrap 5 "hello world foo" }}|'
    r"""{{ wrapWith 5 "\t" "HelloWorldFoo" }}|{{ abbrev 5 "hello world" }}|"""
    '{{ abbrevboth 5 10 "1234 5678 9123" }}',
    '{{ splitList "," "a,b,c" }} {{ (split "," "a,b,c")._1 }} {{ splitn "," 2 "a,b,c" }} '
    '{{ toStrings .l }} {{ toString 3 }} {{ join "," (splitList "" "日本x") }}',
    '{{ dict "a" 1 "b" 2 }} {{ get (dict "a" 1) "a" }} {{ get .m "x" }} '
    '{{ hasKey .m "a" }} {{ $d := dict }}{{ $_ := set $d "k" "v" }}{{ $d }} '
    '{{ pick .m "a" }} {{ omit .m "a" }} {{ keys (dict "a" 1) }} '
    '{{ values (dict "a" 1) }} {{ pluck "a" .m (dict "a" 2) }} {{ dig "a" "x" "def" .m }} '
    '{{ dig "a" "q" "def" .m }} {{ merge (dict "a" 1) (dict "a" 2 "b" 3) }} '
    '{{ mergeOverwrite (dict "a" 1) (dict "a" 2 "b" 3) }} {{ deepCopy .m }} '
    '{{ unset (dict "a" 1 "b" 2) "a" }}',
    '{{ kindOf .l }} {{ kindOf .n }} {{ typeOf .m }} {{ kindIs "map" .m }} '
    '{{ typeIs "string" .s }} {{ deepEqual .l .l }} {{ deepEqual (list 1 2) (list 1 2) }} '
    "{{ typeOf (add 1 2) }} {{ typeOf 1 }} {{ kindOf .z }} {{ typeOf .z }} "
    "{{ typeOf now }}",
    '{{ base "/a/b.txt" }} {{ dir "/a/b.txt" }} {{ clean "a//../b/./c" }} '
    '{{ ext "a.tar.gz" }} {{ isAbs "/a" }} {{ osBase "x/y" }}',
    '{{ regexMatch "^a.*b$" "axxb" }} {{ regexFind "[0-9]+" "ab123cd" }} '
    '{{ regexFindAll "[a-c]" "abcabc" -1 }} {{ regexFindAll "[a-c]" "abcabc" 2 }} '
    '{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }} '
    '{{ regexReplaceAllLiteral "a(x*)b" "-ab-axxb-" "${1}" }} '
    '{{ regexSplit "z+" "pizza" -1 }} {{ regexQuoteMeta "1.2*" }} '
    '{{ regexReplaceAll "" "abc" "-" }} {{ regexReplaceAll "a*" "baaac" "x" }} '
    '{{ regexFindAll "a*" "baaac" -1 | toJson }} '
    '{{ regexReplaceAll "(?i)(?P<w>HELLO)" .s "[$w]" }}',
    '{{ now }} {{ now | date "2006-01-02" }} {{ now | htmlDate }} {{ now | unixEpoch }} '
    '{{ date "Mon Jan _2 15:04:05.000 2006" now }} '
    '{{ dateInZone "Jan 2, 2006 at 3:04pm (MST)" now "UTC" }} '
    '{{ now | dateModify "-1.5h" }} {{ duration "95" }} {{ duration (add 90 5) }} '
    '{{ duration 95 }} {{ durationRound "2h10m5s" }} '
    '{{ toDate "2006-01-02" "2017-12-31" | date "02/01/2006" }} {{ date "2006" 0 }} '
    '{{ toDate "2006-01-02" "x" }} {{ (now).Year }} {{ now.Month }} {{ now.Weekday }} '
    '{{ now.Format "15:04" }} {{ now.Unix }} {{ (now.Add 3600000000000).Hour }} '
    "{{ now.Sub (now.AddDate 0 0 -1) }} {{ (now.Sub (now.AddDate 0 0 -1)).Hours }} "
    "{{ now | toJson }}",
    r"""{{ fromJson "{\"a\":[1,2.5,null,true,\"x\"]}" }} """
    r"""{{ (fromJson "{\"a\":{\"b\":1e6}}").a.b }} {{ fromJson "bad" }} """
    '{{ "1234567890123" | fromJson }}',
    "{{ .neg | int }} {{ .big }} {{ .big | int }} {{ .big | int64 }} "
    '{{ .big | toString }} {{ .big | printf "%.0f" }} {{ 1e100 }} {{ 100000.0 }} '
    "{{ 0.00001 }} {{ 1e21 | toJson }} {{ 1e-7 | toJson }} {{ 123456789.0 | toJson }}",
    '{{ .lst | sortAlpha }} {{ .lst }} {{ sortAlpha (list 3 "b" 1) }}',
    '{{ merge (dict "a" (dict "x" 1)) (dict "a" (dict "x" 2 "y" 3)) | toJson }}{{ '
    'mergeOverwrite (dict "l" (list 1)) (dict "l" (list 2) "e" "") | toJson }}',
    '{{ $d := dict "a" 1 }}{{ $e := set $d "b" 2 }}{{ $d | toJson }}{{ eq (get $d "b") 2 }}',
    '{{ get nil "a" }}|{{ hasKey .em "x" }}|{{ keys .m | sortAlpha }}',
    '{{ "6e756c" | b64dec }} {{ "****" | b64dec }} {{ "YQ=" | b64dec }} '
    '{{ "MFRA" | b32dec }} {{ "a1" | b32dec }}',
    '{{ int "1_000" }} {{ int "0b11" }} {{ int "08" }} {{ float64 "1_0.5" }} '
    '{{ float64 "inf" }} {{ atoi "99999999999999999999" }} {{ int64 1e30 }} {{ int .z }} '
    "{{ int true }}",
    "{{ div 1 0 }}",
    "{{ mod 5 0 }}",
    "{{ add 9223372036854775807 1 }} {{ mul 9223372036854775807 2 }} {{ sub -9223372036854775807 2 }}",
    "{{ round 2.675 2 }} {{ round -1.005 2 }} {{ round 1234.5 -2 }} {{ round 0.5 0 0.6 }} "
    "{{ ceil -0.5 }} {{ floor -0.5 }}",
    "{{ divf 1 0 }}",
    '{{ durationRound "400h" }} {{ durationRound "1.5h" }} {{ duration "x" }} {{ duration "-61" }}',
    '{{ toDate "2006-01-02T15:04:05Z07:00" "2026-11-22T10:00:00+02:00" }} '
    '{{ toDate "Jan _2 3:04PM 06" "Feb  9 11:15AM 24" }}',
    '{{ (toDate "2006-01-02 15:04:05 MST" "2020-02-29 23:59:59 CET").AddDate 1 0 0 }}',
    '{{ dateInZone "Monday, 2 January 2006 .000 002" now "UTC" }} {{ now.YearDay }} '
    '{{ now.Truncate 3600000000000 }} {{ (now.Round 60000000000).Format "15:04:05.999" }}',
    r"""{{ fromJson "[1, {\"a\": \"\\u00e9\"}, null, 1e3]" | toJson }}""",
    r"""{{ toJson "<a href='x'>&\u2028" }} {{ toRawJson "<&>" }} """
    "{{ mustToPrettyJson (list 1 (dict)) }}",
    '{{ regexMatch "(" "a" }} {{ regexFindAll "" "ab" -1 | toJson }} '
    '{{ regexSplit "," "a,b,c" 2 }} '
    r"""{{ regexReplaceAll "(?P<first>\\w+) (\\w+)" "hello world" "$2 ${first} $1x $$" }}""",
    '{{ regexFind "(" "a" }}',
    '{{ regexFindAll "(?i)[[:alpha:]]{2,3}?" .s -1 | join "," }} '
    r"""{{ regexFind "\\bfoo\\B|o+" "food foo" }} """
    r"""{{ regexReplaceAllLiteral "(?m)^" "a\nb" "> " }}""",
    '{{ snakecase "HTTPServer2xxOK" }} {{ kebabcase "some words_and-more" }} '
    '{{ camelcase "some_words-and more" }} {{ snakecase "Bld4Floor3rd" }} '
    r"""{{ title "o'neil mc_donald ǆ" }}""",
    "{{ untilStep 0 10 0 }} {{ until -3 }} {{ seq 0 }} {{ seq 1 2 3 4 }} {{ seq 5 2 1 }} "
    "{{ range until 3 }}{{ . }}{{ end }}",
    '{{ dig "a" "b" "c" "none" (dict "a" (dict "b" (dict "c" 1))) }} {{ dig "a" "x" (dict "a" 1) }}',
    '{{ dig "b" "x" "no" .m }}',
    "{{ chunk 2 (list 1 2 3 4 5) }} {{ slice (list 1 2 3) 1 2 }} "
    "{{ concat (list 1) .lst (until 2) }} {{ without (list 1 2 1) 1 }} "
    "{{ has 4 (list 1 2) }} {{ mustFirst .el }}",
    "{{ first 1 }}",
    "{{ deepEqual (list) .el }} {{ deepEqual 1 (int64 1) }} {{ eq 1 (int64 1) }} "
    '{{ kindIs "slice" .l }} {{ typeIsLike "int" 1 }}',
    '{{ substr -1 3 .s }} {{ substr 2 -1 "hello" }} {{ trunc 0 "x" }} '
    '{{ abbrevboth 4 9 .s }} {{ wrap 0 "a b" }} {{ wrapWith 3 "|" "abcdefg hi" }} '
    '{{ repeat 0 "x" }} {{ plural "a" "b" 0 }}',
    '{{ repeat -1 "x" }}',
    '{{ initials "foo bar" }} {{ swapcase "Foo bar" }} {{ nospace " a b " }} '
    '{{ untitle "Foo Bar" }} {{ trimall "-" "--a-" }} {{ squote nil 1 "x" }} '
    '{{ cat 1 nil "b" }} {{ hello }}',
    '{{ biggest 1 2.9 "3" }} {{ maxf 1 "2.5" }} {{ add "a" 1 }} {{ add1f 1.1 }} '
    "{{ subf 3 1.1 1 }} {{ addf }} {{ toDecimal 755 }}",
    '{{ sha1sum "a" }} {{ sha256sum "" }} {{ adler32sum "abc" }} {{ b64enc .u }} {{ b32enc "hello" }}',
    '{{ base "" }} {{ base "///" }} {{ dir "a" }} {{ dir "/a/" }} {{ clean "" }} '
    '{{ clean "/../a" }} {{ ext "a/b" }} {{ osDir "/x/y" }} {{ osIsAbs "x" }}',
    '{{ coalesce }} {{ default "x" }} {{ any }} {{ all }} {{ empty 0.0 }} {{ empty now }} '
    '{{ ternary "y" "n" (gt 2 1) }}',
    '{{ fail "no" }}',
    '{{ mustFromJson "{" }}',
    '{{ mustToDate "2006" "x" }}',
    "{{ ago now | kindOf }} {{ hasSuffix .e .s }} {{ tuple 1 2 }} {{ push .lst 1 }} {{ mustPush .lst 2 }}",
    '{{ date_in_zone "15:04" now "UTC" }} {{ htmlDateInZone now "Nowhere/Else" }}',
    '{{ date_modify "-1h" now }} {{ mustDateModify "90m" now }} {{ must_date_modify "1ms" now }}',
    '{{ mustDateModify "soon" now }}',
    '{{ mustAppend .lst "x" }} {{ mustPrepend .lst "x" }} {{ mustChunk 3 .lst }} {{ mustCompact .l }}',
    '{{ mustHas "a" .lst }} {{ mustInitial .lst }} {{ mustLast .lst }} {{ mustRest .lst }}',
    '{{ mustReverse .lst }} {{ mustSlice .lst 1 }} {{ mustUniq .lst }} {{ mustWithout .lst "a" "b" }}',
    '{{ mustDeepCopy .m }} {{ mustMerge (dict "a" 1) .m | toJson }}',
    '{{ mustMergeOverwrite (dict "a" 1) .m | toJson }} {{ mustToJson .l }} {{ mustToRawJson .l }}',
    '{{ mustRegexFind "[a-z]+" .s }} {{ mustRegexFindAll "o." .s 3 }} {{ mustRegexMatch "^h" .s }}',
    '{{ mustRegexReplaceAll "(l+)" .s "<$1>" }} {{ mustRegexReplaceAllLiteral "l" .s "$1" }}',
    '{{ mustRegexSplit "[ _]" .s -1 | toJson }} {{ osClean "a/./b" }} {{ osExt "a.b" }}',
    '{{ mustRegexMatch "[z-a]" "" }}',
    "{{ call .s }}",
)
