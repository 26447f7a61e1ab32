"""Countries and languages the stand-in knows.

Aleph cleans countries to lower-case codes (also from English names) and languages to three-letter
codes, and refuses what it does not know. Gives up: other names than the English ones below.
"""

_COUNTRIES = """
ad Andorra|ae United Arab Emirates|af Afghanistan|ag Antigua and Barbuda|ai Anguilla|al Albania
am Armenia|ao Angola|aq Antarctica|ar Argentina|as American Samoa|at Austria|au Australia|aw Aruba
az Azerbaijan|ba Bosnia and Herzegovina|bb Barbados|bd Bangladesh|be Belgium|bf Burkina Faso
bg Bulgaria|bh Bahrain|bi Burundi|bj Benin|bm Bermuda|bn Brunei|bo Bolivia|br Brazil|bs Bahamas
bt Bhutan|bw Botswana|by Belarus|bz Belize|ca Canada|cd DR Congo|cf Central African Republic
cg Congo|ch Switzerland|ci Ivory Coast|ck Cook Islands|cl Chile|cm Cameroon|cn China|co Colombia
cr Costa Rica|cu Cuba|cv Cape Verde|cw Curacao|cy Cyprus|cz Czechia|de Germany|dj Djibouti
dk Denmark|dm Dominica|do Dominican Republic|dz Algeria|ec Ecuador|ee Estonia|eg Egypt|er Eritrea
es Spain|et Ethiopia|eu European Union|fi Finland|fj Fiji|fk Falkland Islands|fm Micronesia
fo Faroe Islands|fr France|ga Gabon|gb United Kingdom|gd Grenada|ge Georgia|gf French Guiana
gg Guernsey|gh Ghana|gi Gibraltar|gl Greenland|gm Gambia|gn Guinea|gp Guadeloupe
gq Equatorial Guinea|gr Greece|gt Guatemala|gu Guam|gw Guinea-Bissau|gy Guyana|hk Hong Kong
hn Honduras|hr Croatia|ht Haiti|hu Hungary|id Indonesia|ie Ireland|il Israel|im Isle of Man
in India|iq Iraq|ir Iran|is Iceland|it Italy|je Jersey|jm Jamaica|jo Jordan|jp Japan|ke Kenya
kg Kyrgyzstan|kh Cambodia|ki Kiribati|km Comoros|kn Saint Kitts and Nevis|kp North Korea
kr South Korea|kw Kuwait|ky Cayman Islands|kz Kazakhstan|la Laos|lb Lebanon|lc Saint Lucia
li Liechtenstein|lk Sri Lanka|lr Liberia|ls Lesotho|lt Lithuania|lu Luxembourg|lv Latvia|ly Libya
ma Morocco|mc Monaco|md Moldova|me Montenegro|mg Madagascar|mh Marshall Islands
mk North Macedonia|ml Mali|mm Myanmar|mn Mongolia|mo Macau|mq Martinique|mr Mauritania
ms Montserrat|mt Malta|mu Mauritius|mv Maldives|mw Malawi|mx Mexico|my Malaysia|mz Mozambique
na Namibia|nc New Caledonia|ne Niger|ng Nigeria|ni Nicaragua|nl Netherlands|no Norway|np Nepal
nr Nauru|nu Niue|nz New Zealand|om Oman|pa Panama|pe Peru|pf French Polynesia
pg Papua New Guinea|ph Philippines|pk Pakistan|pl Poland|pr Puerto Rico|ps Palestine|pt Portugal
pw Palau|py Paraguay|qa Qatar|re Reunion|ro Romania|rs Serbia|ru Russia|rw Rwanda
sa Saudi Arabia|sb Solomon Islands|sc Seychelles|sd Sudan|se Sweden|sg Singapore|sh Saint Helena
si Slovenia|sk Slovakia|sl Sierra Leone|sm San Marino|sn Senegal|so Somalia|sr Suriname
ss South Sudan|st Sao Tome and Principe|sv El Salvador|sx Sint Maarten|sy Syria|sz Eswatini
tc Turks and Caicos Islands|td Chad|tg Togo|th Thailand|tj Tajikistan|tk Tokelau|tl Timor-Leste
tm Turkmenistan|tn Tunisia|to Tonga|tr Turkey|tt Trinidad and Tobago|tv Tuvalu|tw Taiwan
tz Tanzania|ua Ukraine|ug Uganda|us United States|uy Uruguay|uz Uzbekistan|va Vatican
vc Saint Vincent and the Grenadines|ve Venezuela|vg British Virgin Islands
vi US Virgin Islands|vn Vietnam|vu Vanuatu|ws Samoa|xk Kosovo|ye Yemen|za South Africa|zm Zambia
zw Zimbabwe|zz Global
"""

# Two-letter code, three-letter code, English name.
_LANGUAGES = """
af afr Afrikaans|ar ara Arabic|az aze Azerbaijani|be bel Belarusian|bg bul Bulgarian
bn ben Bengali|bs bos Bosnian|ca cat Catalan|cs ces Czech|cy cym Welsh|da dan Danish
de deu German|el ell Greek|en eng English|es spa Spanish|et est Estonian|eu eus Basque
fa fas Persian|fi fin Finnish|fr fra French|ga gle Irish|gd gla Gaelic|gl glg Galician
he heb Hebrew|hi hin Hindi|hr hrv Croatian|hu hun Hungarian|hy hye Armenian|id ind Indonesian
is isl Icelandic|it ita Italian|ja jpn Japanese|ka kat Georgian|kk kaz Kazakh|km khm Khmer
ko kor Korean|ky kir Kyrgyz|la lat Latin|lb ltz Luxembourgish|lo lao Lao|lt lit Lithuanian
lv lav Latvian|mk mkd Macedonian|mn mon Mongolian|ms msa Malay|mt mlt Maltese|my mya Burmese
ne nep Nepali|nl nld Dutch|no nor Norwegian|nb nob Norwegian Bokmal|nn nno Norwegian Nynorsk
pl pol Polish|ps pus Pashto|pt por Portuguese|ro ron Romanian|ru rus Russian|si sin Sinhala
sk slk Slovak|sl slv Slovenian|so som Somali|sq sqi Albanian|sr srp Serbian|sv swe Swedish
sw swa Swahili|ta tam Tamil|tg tgk Tajik|th tha Thai|tk tuk Turkmen|tr tur Turkish
uk ukr Ukrainian|ur urd Urdu|uz uzb Uzbek|vi vie Vietnamese|zh zho Chinese
"""


def _rows(table: str) -> list[str]:
    return [row for line in table.strip().splitlines() for row in line.split("|")]


COUNTRIES: dict[str, str] = dict(row.split(" ", 1) for row in _rows(_COUNTRIES))
_BY_NAME = {name.lower(): code for code, name in COUNTRIES.items()} | {"uk": "gb"}

LANGUAGES: dict[str, str] = {}
_TO_THREE: dict[str, str] = {}
for _two, _three, _name in (row.split(" ", 2) for row in _rows(_LANGUAGES)):
    LANGUAGES[_three] = _name
    _TO_THREE[_two] = _TO_THREE[_three] = _three


def clean_country(text: str) -> str | None:
    """Give the lower-case code of a country code or English name, or None."""
    text = text.strip().lower()
    return text if text in COUNTRIES else _BY_NAME.get(text)


def clean_language(text: str) -> str | None:
    """Give the three-letter code of a language code of two or three letters, or None."""
    return _TO_THREE.get(text.strip().lower())
